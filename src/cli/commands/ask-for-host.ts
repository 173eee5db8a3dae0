/** What the commands have in common that ask for something about one host. */
import type { Command } from 'commander';
import { objectName } from '../../crds/schema/schema.ts';
import { connect, type Connection } from '../cluster/connection.ts';
import { findStrategy, listStrategies, wordsOf, type Located } from '../cluster/strategies.ts';
import { CommandError } from '../command-error.ts';
import type { Io } from '../io.ts';
import { askFor } from '../requests/ask-for.ts';
import type { Wish } from '../requests/request.ts';
import type { ActOptions } from './ask.ts';
import { end } from './command.ts';

/** Asks the strategy of a name, or the one that holds the host, and ends the process with the exit code. */
export async function askForHost(
  given: string,
  name: string | undefined,
  command: Command,
  io: Io,
  wish: (host: string) => Wish,
): Promise<void> {
  const options = command.optsWithGlobals<ActOptions>();
  const host = hostNamed(given);
  const connection = connect(options, io.environment, 'writing');
  const located =
    name === undefined ? await holderOf(connection, host, io) : await findStrategy(connection, name, io.note);
  end(await askFor(connection, located, wish(host), options, io));
}

/** `worker-3`, `node/worker-3` */
export function hostNamed(given: string): string {
  const host = given.replace(/^(node|nodes|no)\//, '');
  if (!objectName().safeParse(host).success)
    throw new CommandError(
      `${given}: no host can have the name ${JSON.stringify(host)}: lower-case letters, digits, "-" and "."`,
    );
  return host;
}

/** The strategy of the namespace that holds the host; without one, the only strategy there. */
async function holderOf(connection: Connection, host: string, { note }: Io): Promise<Located> {
  const { namespace } = connection;
  const all = await listStrategies(connection, namespace);
  const holders = all.filter(({ strategy }) =>
    strategy.status.progress?.hosts.some((each) => each.name === host),
  );
  const [holder, ...others] = holders;
  if (all.length > 1 && (!holder || others.length > 0))
    throw new CommandError(
      `${holder ? 'several strategies hold' : 'no strategy holds'} ${host} in namespace ${namespace}: ` +
        `name the strategy after the host: ${(holder ? holders : all).map(nameOf).join(', ')}`,
    );
  if (!holder) return findStrategy(connection, undefined, note);
  note(`${wordsOf(holder)} in namespace ${namespace} holds ${host}`);
  return holder;
}

function nameOf({ strategy }: Located): string {
  return strategy.metadata.name;
}
