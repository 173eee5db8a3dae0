/** Nova's words about the servers that did not leave their hosts, read once for each server and failure. */
import type { Compute } from '../../../openstack/compute.ts';
import { OpenStackError } from '../../../openstack/errors.ts';
import { cameToNothing, MOST_FAILURES } from '../leaving/next-move.ts';
import { migrationsOf, type Moves } from '../leaving/servers-on-host.ts';
import type { ListedServers } from './open-hosts.ts';

type Fault = { readonly attempts: number; readonly words: string | undefined };

export class MoveFaults {
  /** By the id of the server. */
  readonly #known = new Map<string, Fault>();

  /** By the id of the server; without those of which Nova says nothing. */
  get words(): ReadonlyMap<string, string> {
    const said = [...this.#known].flatMap(([id, { words }]) =>
      words === undefined ? [] : [[id, words] as const],
    );
    return new Map(said);
  }

  /**
   * Asks about the servers that need a person, of which nothing is known yet. Returns whether there is news. A refusal
   * keeps nobody from anything: the message lacks the words then.
   */
  async read(
    compute: Compute,
    lists: readonly ListedServers[],
    moves: Pick<Moves, 'migrations'>,
    signal: AbortSignal,
  ): Promise<boolean> {
    let hasNews = false;
    for (const { host, servers, readAt } of lists)
      for (const server of servers) {
        const attempts = migrationsOf(server, host, moves, readAt).filter(cameToNothing).length;
        if (attempts < MOST_FAILURES || this.#known.get(server.id)?.attempts === attempts) continue;
        const words = await faultOf(compute, server.id, signal);
        this.#known.set(server.id, { attempts, words });
        hasNews = true;
      }
    return hasNews;
  }
}

async function faultOf(compute: Compute, server: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await compute.moveFault(server, signal);
  } catch (error) {
    if (!(error instanceof OpenStackError)) throw error;
    return undefined;
  }
}
