/** Chooses where a server moves, where that is not left to Nova's scheduler. Pure. */
import type { Migration, Server } from '../../openstack/compute-answers.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { ComputeHost } from './compute-host.ts';
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
  readonly hosts: Iterable<Pick<ComputeHost, 'name' | 'ready' | 'closedToNewWork' | 'labels'>>;
  /** How many servers move to a host now. */
  readonly arriving: (host: HostName) => number;
  readonly maxMigrationsPerTarget: number | undefined;
};

/**
 * Names a host where the pool limits the moves to one, and where a migration to a host has failed before: then one that the
 * server has not failed to reach. Nova may refuse that, by filters that Careen does not know: after such an attempt it is the
 * next one, or again the choice of Nova.
 */
export function chooseTarget(choice: Choice): Target {
  const { server, migrations, hosts, arriving, maxMigrationsPerTarget: most } = choice;
  const failures = migrations.filter(hasFailed);
  const failed = new Set(failures.flatMap(({ dest }) => dest ?? []));
  const refused = failures.filter(({ dest }) => dest === undefined).length;
  if (most === undefined && (failed.size === 0 || refused > 0)) return { kind: 'to', host: undefined };
  const open = [...hosts].filter(
    (host) => host.ready && !host.closedToNewWork && host.name !== server.host && isInZone(server, host),
  );
  const untried = open.filter(({ name }) => !failed.has(name));
  const free = untried.filter(({ name }) => most === undefined || arriving(name) < most);
  const ranked = free
    .map(({ name }) => name)
    .toSorted((a, b) => arriving(a) - arriving(b) || (a < b ? -1 : Number(a > b)));
  const best = ranked[refused % ranked.length];
  if (best !== undefined) return { kind: 'to', host: best };
  if (most !== undefined && untried.length > 0)
    return { kind: 'wait', reason: `waits: at most ${String(most)} servers may move to one host at once` };
  return { kind: 'to', host: undefined };
}

function isInZone({ pinnedZone }: Server, { labels }: Pick<ComputeHost, 'labels'>): boolean {
  return typeof pinnedZone !== 'string' || labels['zone'] === pinnedZone;
}
