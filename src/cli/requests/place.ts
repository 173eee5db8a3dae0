/** Writes into a strategy, guarded: what was judged is what is written upon. */
import { call } from '../../kube/client.ts';
import { httpStatus } from '../../kube/errors.ts';
import { asking } from '../cluster/asking.ts';
import type { Connection } from '../cluster/connection.ts';
import { commandOf, readAgain, wordsOf, type Located } from '../cluster/strategies.ts';
import { CommandError } from '../command-error.ts';
import { mayNotBePlaced, type Placement } from './request.ts';

/** The operator writes the status often while it works. */
const TRIES = 8;

/** Places a request. Throws CommandError when another one has no answer yet, or the server refuses the write. */
export async function place(
  connection: Connection,
  located: Located,
  placement: Placement,
): Promise<Located> {
  const { annotation, value } = placement;
  return writeGuarded(
    connection,
    located,
    `careen-${placement.verb === 'abort' ? 'abort' : 'request'}`,
    (each) => {
      const refusal = mayNotBePlaced(each.strategy, placement, {
        words: wordsOf(each),
        command: commandOf(each),
      });
      if (refusal !== undefined) throw new CommandError(refusal);
      return { metadata: { annotations: { [annotation]: value } } };
    },
  );
}

/**
 * Writes what `change` makes of the strategy, if nobody has written it since; else reads and judges it again.
 * @param manager the writer's name. Each annotation needs one of its own: by that the operator recognizes a request that
 *   was placed on this very object (src/status/requests/request-origin.ts)
 * @returns the strategy as it was written
 */
export async function writeGuarded(
  connection: Connection,
  located: Located,
  manager: string,
  change: (now: Located) => { readonly metadata?: object; readonly spec?: object },
): Promise<Located> {
  let now = located;
  for (let tries = 1; ; tries++) {
    refuseDeleted(now);
    const { uid, resourceVersion, namespace } = now.strategy.metadata;
    const { metadata, ...rest } = change(now);
    const body = { ...rest, metadata: { ...metadata, uid, resourceVersion } };
    const query = { fieldManager: manager, fieldValidation: 'Strict' };
    const ask = { verb: 'patch', resource: now.kind.definition.plural, namespace } as const;
    const { path } = now;
    try {
      await asking(connection, ask, () => call(connection.config, { method: 'PATCH', path, query, body }));
      return now;
    } catch (error) {
      const isConflict = error instanceof CommandError && httpStatus(error.cause) === 409;
      if (!isConflict || tries === TRIES) throw error;
    }
    now = await readAgain(connection, now);
  }
}

function refuseDeleted(located: Located): void {
  if (located.strategy.metadata.deletionTimestamp === undefined) return;
  throw new CommandError(
    `${wordsOf(located)} is being deleted: its open hosts are released first, and nothing else is done`,
  );
}
