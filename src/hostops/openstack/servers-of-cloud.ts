/** What the port asks of the servers of a cloud: that they leave their hosts, or stay; by what is observed of that cloud. */
import type { Effect, Outcome } from '../../engine/effect.ts';
import type { Migration, Server } from '../../openstack/compute-answers.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { askToLeave } from './leaving/ask-to-leave.ts';
import { callOff } from './leaving/call-off.ts';
import { cancelMigrations } from './leaving/cancel-migrations.ts';
import { chooseTarget, type Target } from './leaving/choose-target.ts';
import { leavingNow, type Moves, type SeenServer } from './leaving/servers-on-host.ts';
import type { ObservedCloud } from './observed/observed-cloud.ts';
import type { OpenStackProvider } from './provider.ts';

export type ServersOfCloud = {
  readonly cloud: ObservedCloud;
  /** Throws when this process may not write any more. */
  readonly beforeWrite: () => void;
  readonly now: () => number;
};

/** Asks one server to leave its host, within the limits of its pool. Throws OpenStackError. */
export async function askServer(
  { cloud, beforeWrite: mayWrite, now }: ServersOfCloud,
  { maxMigrations, maxMigrationsPerTarget, ...allowed }: OpenStackProvider,
  effect: Extract<Effect, { kind: 'evict' }>,
  signal: AbortSignal,
): Promise<Outcome> {
  const { notTo } = effect;
  const { uid } = effect.instance;
  const policy = { ...allowed, stops: areStoppedOn(cloud, effect.host) };
  const againstMore = (): string | undefined => {
    if (cloud.inFlight >= maxMigrations)
      return `at most ${String(maxMigrations)} servers of the cloud may move at once (spec.provider.openstack.maxMigrations)`;
    const there = cloud.serversOn(effect.host);
    return there && leavingNow(there, cloud.moves, policy, now()) >= allowed.maxMigrationsPerHost
      ? `at most ${String(allowed.maxMigrationsPerHost)} may leave ${effect.host} at once (spec.provider.openstack.maxMigrationsPerHost)`
      : undefined;
  };
  const hostIsUp = cloud.hosts.get(effect.host)?.ready === true;
  const compute = await cloud.compute();
  const target = (server: Server, migrations: readonly Migration[]): Target => {
    const hosts = cloud.hosts.values();
    const arriving = (host: HostName): number => cloud.arriving(host);
    return chooseTarget({ server, migrations, hosts, arriving, maxMigrationsPerTarget, notTo });
  };
  const beforeWrite = (to: HostName | undefined): void => {
    mayWrite();
    cloud.beginAsking(uid, to);
  };
  const moves = (): Moves => cloud.moves;
  const seen = (): SeenServer | undefined => cloud.justSeen(effect.host, uid);
  let mayLeave = false;
  try {
    const checks = { stopped: () => stoppedHosts(cloud), againstMore, target, beforeWrite, now };
    const outcome = await askToLeave({ compute, seen, moves, hostIsUp, policy, ...checks }, effect, signal);
    mayLeave = outcome.kind === 'accepted' || outcome.kind === 'unknown';
    return outcome;
  } finally {
    cloud.endAsking(uid, mayLeave);
  }
}

/** Calls the move of one server off. Throws OpenStackError. */
export async function callOffServer(
  { cloud, beforeWrite, now }: ServersOfCloud,
  effect: Extract<Effect, { kind: 'call-off' }>,
  signal: AbortSignal,
): Promise<Outcome> {
  const compute = await cloud.compute();
  return callOff({ compute, moves: cloud.moves, beforeWrite, now }, effect, signal);
}

/** Cancels what moves away from a host that is given back. Returns what it waits for. Throws OpenStackError. */
export async function cancelMovesFrom(
  { cloud, beforeWrite, now }: ServersOfCloud,
  host: HostName,
  signal: AbortSignal,
): Promise<string | undefined> {
  const compute = await cloud.compute();
  const since = cloud.hosts.get(host)?.claim?.since;
  const known = { compute, host, since, servers: cloud.serversOn(host), moves: cloud.moves };
  return cancelMigrations({ ...known, beforeWrite, now }, signal);
}

/** Whether the servers on a host are stopped for its outage, by its claim; otherwise they move away. */
export function areStoppedOn({ hosts }: ObservedCloud, host: HostName): boolean {
  return hosts.get(host)?.claim?.stopsInstances === true;
}

/** The hosts whose servers are stopped for their outages, and since when, by their claims. */
function stoppedHosts({ hosts }: ObservedCloud): ReadonlyMap<HostName, string> {
  const claims = [...hosts.values()].flatMap(({ name, claim }) => (claim ? [{ name, ...claim }] : []));
  return new Map(
    claims.filter(({ stopsInstances }) => stopsInstances).map(({ name, since }) => [name, since]),
  );
}
