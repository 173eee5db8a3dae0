/** Events that happen to hosts, processes and people at times drawn beforehand. */
import type { ApiServer } from './world/api-server.ts';
import type { Cluster } from './world/cluster.ts';
import type { Random } from './world/random.ts';
import type { Owner, Scheduler } from './world/scheduler.ts';
import type { FaultKind } from './faults.ts';
import type { People } from './people.ts';
import type { Replicas } from './replicas.ts';
import { labelsOf, NEW, OLD, SHELF } from './scenario.ts';

const KINDS = [
  ...(['abort', 'retry', 'delete', 'hold', 'suspend', 'edit', 'limit changes', 'pool paused'] as const),
  ...(['cordon', 'uncordon', 'host dies', 'host not Ready', 'clock jumps', 'two leaders'] as const),
  ...(['host added', 'host changes pool'] as const),
];

export type MishapsOptions = {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly server: ApiServer;
  readonly cluster: Cluster;
  readonly people: People;
  readonly replicas: Replicas;
  readonly hosts: readonly string[];
  readonly note: (kind: FaultKind, about: string) => void;
};

export class Mishaps {
  readonly #options: MishapsOptions;

  constructor(options: MishapsOptions) {
    this.#options = options;
  }

  /** Draws the events of the next milliseconds. */
  plan(milliseconds: number, [least, most]: readonly [number, number] = [3, 7]): void {
    const { random, scheduler } = this.#options;
    for (let left = random.int(least, most); left > 0; left -= 1) {
      const kind = random.pick(KINDS);
      scheduler.after(random.int(5_000, milliseconds), () => this.#strike(kind));
    }
  }

  stall(owner: Owner, milliseconds: number, write: string): void {
    stall(this.#options, owner, milliseconds, write);
  }

  #strike(kind: (typeof KINDS)[number]): void {
    const { random, scheduler, cluster, people, replicas, hosts, note } = this.#options;
    const host = random.pick(hosts);
    switch (kind) {
      case 'host dies':
        note(kind, host);
        cluster.removeNode(host);
        if (random.chance(0.6)) scheduler.after(random.int(5_000, 90_000), () => this.#return(host));
        return;
      case 'host not Ready':
        note(kind, host);
        cluster.setDown(host, 'outage', true);
        scheduler.after(random.int(5_000, 60_000), () => cluster.setDown(host, 'outage', false));
        return;
      case 'host added': {
        const added = `n-${String(scheduler.now)}`;
        note(kind, added);
        return cluster.addNode(added, labelsOf(added), OLD);
      }
      case 'host changes pool':
        note(kind, host);
        cluster.relabel(host, 'shelf', 'b');
        if (random.chance(0.6))
          scheduler.after(random.int(5_000, 90_000), () => cluster.relabel(host, 'shelf', SHELF.shelf));
        return;
      case 'clock jumps': {
        const process = replicas.any;
        process.clockErrorMs = random.int(-120_000, 120_000);
        return note(kind, `that of ${process.name} is wrong by ${String(process.clockErrorMs)} ms`);
      }
      case 'two leaders':
        // A short stop keeps the Lease: nobody acts for a while, and nobody takes over.
        if (replicas.leader)
          this.stall(
            replicas.leader,
            random.chance(0.5) ? random.int(10_000, 29_000) : random.int(30_000, 120_000),
            'nothing',
          );
        return;
      default:
        return people.act(kind);
    }
  }

  #return(host: string): void {
    const { server, cluster, random, note } = this.#options;
    if (server.get('nodes', host)) return;
    note('host comes back changed', host);
    cluster.addNode(host, labelsOf(host), random.pick([OLD, NEW]));
  }
}

/** Stops a process, so that another may lead when it continues; people act meanwhile. */
export function stall(
  {
    random,
    scheduler,
    people,
    replicas,
    note,
  }: Pick<MishapsOptions, 'random' | 'scheduler' | 'people' | 'replicas' | 'note'>,
  owner: Owner,
  milliseconds: number,
  write: string,
): void {
  replicas.stall(owner, milliseconds);
  note('two leaders', `${owner.name} stops for ${String(milliseconds)} ms, about to write: ${write}`);
  const kind = random.pick(['abort', 'delete', 'hold'] as const);
  if (random.chance(0.6)) scheduler.after(random.int(0, milliseconds), () => people.act(kind));
}
