/** Chooses where a server moves, where that is not left to Nova's scheduler. Pure. */
import type { Migration, Server } from '../../../openstack/compute-answers.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';
import { takesServers, type PossibleTarget } from '../placing/cloud-scene.ts';
import { isInZone } from '../placing/server-bounds.ts';
import { hasFailed } from './next-move.ts';

/** `host` undefined: Nova's scheduler chooses, which knows capacities, groups and filters. It verifies a named host, too. */
export type Target =
  | { readonly kind: 'to'; readonly host: HostName | undefined }
  | { readonly kind: 'wait'; readonly reason: string };

export type Choice = {
  readonly server: Server;
  /** The migrations of the server away from its host, since that was claimed. */
  readonly migrations: readonly Migration[];
  /** All hosts of the cloud. */
  readonly hosts: Iterable<PossibleTarget>;
  /** How many servers move to a host now. */
  readonly arriving: (host: HostName) => number;
  readonly maxMigrationsPerTarget: number | undefined;
  /** Hosts that must not take the server, whatever Nova would choose. */
  readonly notTo?: readonly HostName[] | undefined;
};

/**
 * Names a host where the pool limits the moves to one, where some hosts must not take the server, and where a migration to a
 * host has failed before: then one that the server has not failed to reach. Nova may refuse that, by filters that Careen does
 * not know: after such an attempt it is the next one, or again the choice of Nova.
 */
export function chooseTarget(choice: Choice): Target {
  const { server, migrations, hosts, arriving, maxMigrationsPerTarget: most, notTo = [] } = choice;
  const failures = migrations.filter(hasFailed);
  const failed = new Set(failures.flatMap(({ dest }) => dest ?? []));
  const refused = failures.filter(({ dest }) => dest === undefined).length;
  const isFree = notTo.length === 0;
  if (most === undefined && isFree && (failed.size === 0 || refused > 0))
    return { kind: 'to', host: undefined };
  const open = [...hosts].filter(
    (host) =>
      takesServers(host) &&
      host.name !== server.host &&
      !notTo.includes(host.name) &&
      isInZone(server, host.labels['zone']),
  );
  const untried = open.filter(({ name }) => !failed.has(name));
  // Where the choice is not left to Nova, a host is tried again rather than none. `nextMove` counts the failures.
  const possible = untried.length > 0 || isFree ? untried : open;
  const free = possible.filter(({ name }) => most === undefined || arriving(name) < most);
  const ranked = free
    .map(({ name }) => name)
    .toSorted((a, b) => arriving(a) - arriving(b) || (a < b ? -1 : Number(a > b)));
  const best = ranked[refused % ranked.length];
  if (best !== undefined) return { kind: 'to', host: best };
  if (most !== undefined && possible.length > 0)
    return { kind: 'wait', reason: `waits: at most ${String(most)} servers may move to one host at once` };
  return isFree ? { kind: 'to', host: undefined } : { kind: 'wait', reason: AGAINST_ALL };
}

const AGAINST_ALL =
  'waits: no host that may take it is open, by the bounds of its group on members that share a host';
