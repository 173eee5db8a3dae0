/** Reads a fleet from the cluster as it is now. Never writes. */
import type { V1Node } from '@kubernetes/client-node';
import { z } from 'zod';
import { hostPoolSpec, type HostPoolSpec } from '../../crds/host-pool.ts';
import { API_VERSION } from '../../crds/names.ts';
import { ownerKey } from '../../crds/owner-ref.ts';
import { holdsUp } from '../../engine/steps/unwell.ts';
import { call, rawPages, type PooledKubeConfig } from '../../kube/client.ts';
import { NODE_INFO } from '../../crds/spec/requirement.ts';
import { nodeState, seedOf, type NodeState } from '../../hostops/kubernetes/node-facts.ts';
import { readPlatform } from '../../hostops/kubernetes/platform-facts.ts';
import { alarmsOf, outOfServiceTaints } from '../../hostops/health.ts';
import { membershipOf } from '../../hostops/membership.ts';
import type { Scope } from '../../hostops/port.ts';
import { compareHostNames, type PlatformFacts } from '../../planner/hosts/facts.ts';
import { poolsBefore } from '../../planner/hosts/pool-precedence.ts';
import { activeHostOf } from './active-host.ts';
import { asking } from './asking.ts';
import type { Connection } from './connection.ts';
import { podsOf } from './pods.ts';
import { CommandError } from '../command-error.ts';
import { refuseCloud, type Fleet, type FleetHost } from '../files/fleet-file.ts';

const hostPool = z.object({
  metadata: z.object({ name: z.string(), creationTimestamp: z.string() }),
  spec: hostPoolSpec,
});
type HostPool = z.infer<typeof hostPool>;

/** A pool of the cluster, and which hosts are its own. */
export type FoundPool = { readonly spec: HostPoolSpec; readonly scope: Scope };

/** Reads a pool and its nodes, as `poolNamed` and `nodesIn` do. Throws CommandError, also for a pool on OpenStack. */
export async function readCluster(
  connection: Connection,
  poolName: string,
  note: (text: string) => void,
  forUpgrade: boolean,
): Promise<Fleet> {
  const pool = await poolNamed(connection, poolName);
  refuseCloud(poolName, pool.spec);
  return nodesIn(pool, connection, note, forUpgrade);
}

/** Needs the right to list pools. Throws CommandError. */
export async function poolNamed(connection: Connection, name: string): Promise<FoundPool> {
  const pools = await poolsOf(connection);
  const pool = pools.find(({ metadata }) => metadata.name === name);
  if (pool) return { spec: pool.spec, scope: scopeOf(pool, pools) };
  const others = pools.map(({ metadata }) => metadata.name).join(', ') || 'none';
  throw new CommandError(`the cluster has no HostPool ${name} that can be read; it has: ${others}`);
}

/**
 * Reads the hosts of a pool that are nodes; needs the right to list them. For a pool with
 * several controllers it also reads the host of the leading operator, and for
 * every pool the pods on its hosts; `note` gets the reason when these cannot be
 * read. `forUpgrade`: also what the API server says about itself. Throws CommandError.
 */
export async function nodesIn(
  { spec, scope }: FoundPool,
  connection: Connection,
  note: (text: string) => void,
  forUpgrade: boolean,
): Promise<Fleet> {
  const nodes = await nodesOf(connection);
  const standing = (wanted: string): NodeState[] =>
    nodes
      .filter((node) => membershipOf(node, scope) === wanted)
      .toSorted((a, b) => compareHostNames(a.name, b.name));
  const members = standing('member');
  const activeHost = await activeOf(members, spec, connection.config, note);
  const platform = forUpgrade ? await platformOf(connection.config, note) : {};
  const pods = await podsOf(connection.config, new Set(members.map(({ name }) => name)), note);
  return {
    pool: {
      name: scope.pool,
      spec,
      keptByOtherPools: standing('kept-by-other').map(({ name }) => name),
      ...(activeHost === undefined ? {} : { activeHost }),
    },
    ...(Object.keys(platform).length > 0 ? { platform } : {}),
    hosts: members.map((node) => ({ ...hostOf(node, spec), pods: pods.get(node.name) ?? [] })),
  };
}

/** The active host matters only for the order of several controllers. */
async function activeOf(
  members: readonly NodeState[],
  { roles }: HostPoolSpec,
  config: PooledKubeConfig,
  note: (text: string) => void,
): Promise<string | undefined> {
  const controllers = members.filter((node) => seedOf(node, roles).roles.includes('controller'));
  if (controllers.length < 2) return undefined;
  const host = await activeHostOf(config, note);
  return controllers.find(({ name }) => name === host)?.name;
}

async function platformOf(config: PooledKubeConfig, note: (text: string) => void): Promise<PlatformFacts> {
  const unknown = (reason: string): void => note(`${reason}, so findings about an upgrade may be missing`);
  return readPlatform(config, unknown, new AbortController().signal);
}

async function poolsOf(connection: Connection): Promise<HostPool[]> {
  const path = `/apis/${API_VERSION}/hostpools`;
  const answer = await listing(connection, 'hostpools', () =>
    call<unknown>(connection.config, { method: 'GET', path }),
  );
  const { items } = z.object({ items: z.array(z.unknown()) }).parse(answer);
  return items.flatMap((each) => hostPool.safeParse(each).data ?? []);
}

async function nodesOf(connection: Connection): Promise<NodeState[]> {
  return listing(connection, 'nodes', async () => {
    const nodes: NodeState[] = [];
    for await (const { items } of rawPages<V1Node>(connection.config, '/api/v1/nodes', {}))
      nodes.push(...items.map(nodeState));
    return nodes;
  });
}

function listing<T>(connection: Connection, resource: string, read: () => Promise<T>): Promise<T> {
  return asking(connection, { verb: 'list', resource, instead: 'plan from a file with --fleet' }, read);
}

function scopeOf(pool: HostPool, pools: readonly HostPool[]): Scope {
  const before = poolsBefore(agedOf(pool), pools.map(agedOf)).map(({ provider }) => provider);
  const { provider, roles, health } = pool.spec;
  return { pool: pool.metadata.name, provider, before, roles, health };
}

function agedOf({ metadata: { name, creationTimestamp: createdAt }, spec: { provider } }: HostPool) {
  return { name, createdAt, provider };
}

function hostOf(node: NodeState, { health }: HostPoolSpec): Omit<FleetHost, 'pods'> {
  const { name, labels, facts, ready, wasReady, closedToNewWork, taints, claim, spoiltClaim } = node;
  const alarms = alarmsOf(node, health).filter((alarm) => holdsUp(alarm, Infinity));
  const nodeInfo: FleetHost['nodeInfo'] = {};
  for (const field of NODE_INFO) {
    const value = facts[`nodeInfo.${field}`];
    if (value !== undefined) nodeInfo[field] = value;
  }
  return {
    name,
    labels: { ...labels },
    nodeInfo,
    ready,
    wasReady,
    closedToNewWork,
    alarms: alarms.map(({ text }) => text),
    outOfServiceTaints: outOfServiceTaints(taints, health),
    ...(claim ? { claimedBy: { owner: ownerKey(claim.owner), level: claim.level } } : {}),
    ...(spoiltClaim === undefined ? {} : { spoiltClaim }),
  };
}
