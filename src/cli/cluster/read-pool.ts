/** Reads a pool from the cluster as it is now, whatever its hosts are. Never writes. */
import { OPERATOR_NAMESPACE } from '../../crds/names.ts';
import type { StrategySpec } from '../../crds/spec/strategy-spec.ts';
import { ownerKey } from '../../crds/owner-ref.ts';
import { holdsUp } from '../../engine/steps/unwell.ts';
import { alarmsOf } from '../../hostops/health.ts';
import { standingOf } from '../../hostops/host-state.ts';
import { rolesOf } from '../../hostops/label-selector.ts';
import { membershipOf } from '../../hostops/membership.ts';
import { readCloudOnce, type CloudReading } from '../../hostops/openstack/read-cloud-pool.ts';
import {
  apartBefore,
  instancesBefore,
  operationsOn,
  placementOn,
  seedServers,
} from '../../hostops/openstack/placing/server-operations.ts';
import type { MoveLimits } from '../../hostops/openstack/leaving/servers-on-host.ts';
import { SERVER_WORDS } from '../../hostops/openstack/leaving/server-words.ts';
import { explain } from '../../kube/errors.ts';
import type { HostState } from '../../planner/findings/situation.ts';
import { compareHostNames, type HostName } from '../../planner/hosts/facts.ts';
import { CommandError } from '../command-error.ts';
import type { Fleet } from '../files/fleet-file.ts';
import type { PlannedPool } from '../plan/planned-pool.ts';
import { isRightMissing, trouble } from './asking.ts';
import type { Connection } from './connection.ts';
import { nodesIn, poolNamed, type FoundPool } from './read-fleet.ts';

type Provider = NonNullable<FoundPool['spec']['provider']['openstack']>;

/**
 * Needs the right to list pools. For nodes: as `nodesIn`. For compute hosts of an OpenStack: the rights to get the
 * Secret of the pool, and to list the Leases with the claims; without the latter `note` gets the reason. Throws
 * CommandError.
 */
export async function readPool(
  connection: Connection,
  poolName: string,
  note: (text: string) => void,
  { release, defaultInstanceAction }: Pick<StrategySpec, 'release' | 'defaultInstanceAction'>,
): Promise<Fleet | PlannedPool> {
  const pool = await poolNamed(connection, poolName);
  const { openstack } = pool.spec.provider;
  if (!openstack) return nodesIn(pool, connection, note, release !== undefined);
  const now = Date.now();
  const reading = await readCloud(connection, pool, openstack, now);
  if (reading.claimsUnknown !== undefined)
    note(
      `the Leases in ${OPERATOR_NAMESPACE} cannot be read: ${reading.claimsUnknown}, so it is not known which hosts are claimed`,
    );
  const limits = { ...openstack, stops: defaultInstanceAction === 'stop-start' };
  return cloudPool(pool, limits, reading, now);
}

async function readCloud(
  connection: Connection,
  { scope }: FoundPool,
  provider: Provider,
  now: number,
): Promise<CloudReading> {
  const { config } = connection;
  const options = { config, namespace: OPERATOR_NAMESPACE, provider, now: () => now };
  try {
    return await readCloudOnce(options, new AbortController().signal);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const ask = { verb: 'get', resource: 'secrets', namespace: OPERATOR_NAMESPACE } as const;
    const why = isRightMissing(cause)
      ? `${trouble(connection, ask, cause)}; the login of the cloud is in Secret ${provider.identityRef.name}`
      : explain(error);
    throw new CommandError(
      `the hosts of HostPool ${scope.pool} cannot be read: ${why}; or apply the strategy with execution.mode Hold: ` +
        'the operator plans it, and touches nothing',
      { cause: error },
    );
  }
}

/** Pure. */
function cloudPool(
  { spec, scope }: FoundPool,
  limits: MoveLimits,
  { hosts, scene }: CloudReading,
  now: number,
): PlannedPool {
  const standing = (wanted: string) =>
    hosts
      .filter((host) => membershipOf(host, scope) === wanted)
      .toSorted((a, b) => compareHostNames(a.name, b.name));
  const stateOf = (host: CloudReading['hosts'][number]): HostState => {
    const { name, labels, facts, closedToNewWork, ready, claim, spoiltClaim } = host;
    const alarms = alarmsOf(host, spec.health).filter((alarm) => holdsUp(alarm, Infinity));
    return {
      ...{ name, roles: rolesOf(labels, spec.roles), facts, closedToNewWork, spoiltClaim },
      unwell: claim ? [] : alarms.map(({ text }) => text),
      outOfService: closedToNewWork || !ready,
      claimedBy: claim && { owner: ownerKey(claim.owner), level: claim.level },
      instances: instancesBefore(name, scene, limits, now),
      ...standingOf(host),
    };
  };
  return {
    pool: {
      ...{ name: scope.pool, spec },
      keptByOtherPools: standing('kept-by-other').map(({ name }) => name),
    },
    words: SERVER_WORDS,
    hosts: standing('member').map(stateOf),
    placement: (away: readonly HostName[]) => placementOn(away, scene, limits, now),
    operations: (away) => operationsOn(away, scene, limits, now),
    apartOf: (host) => apartBefore(host, scene),
    serversOf: (host) => seedServers(host, scene),
  };
}
