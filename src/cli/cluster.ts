/** Reads a fleet from the cluster as it is now. Never writes. */
import type { V1Node } from '@kubernetes/client-node';
import { z } from 'zod';
import { hostPoolSpec, type HostPoolSpec } from '../crds/host-pool.ts';
import { API_VERSION } from '../crds/names.ts';
import { ownerKey } from '../crds/owner-ref.ts';
import { holdsUp } from '../engine/steps/unwell.ts';
import { explain } from '../kube/errors.ts';
import { call, PooledKubeConfig, rawPages } from '../kube/client.ts';
import { NODE_INFO, nodeState, seedOf, type NodeState } from '../hostops/kubernetes/node-facts.ts';
import { alarmsOf, outOfServiceTaints } from '../hostops/health.ts';
import { membershipOf } from '../hostops/membership.ts';
import type { Scope } from '../hostops/port.ts';
import { compareHostNames } from '../planner/facts.ts';
import { poolsBefore } from '../planner/pool-precedence.ts';
import { activeHostOf } from './active-host.ts';
import { podsOf } from './cluster-pods.ts';
import { CommandError } from './command-error.ts';
import type { Fleet, FleetHost } from './fleet-file.ts';

const hostPool = z.object({
  metadata: z.object({ name: z.string(), creationTimestamp: z.string() }),
  spec: hostPoolSpec,
});
type HostPool = z.infer<typeof hostPool>;

/** The context that the client library makes up when it finds no kubeconfig. */
const WITHOUT_KUBECONFIG = 'loaded-context';

/** Makes the client for a context of the kubeconfig, or for the current one. Throws CommandError. */
export function connect(context: string | undefined): PooledKubeConfig {
  const config = new PooledKubeConfig();
  config.beforeWrite = () => {
    throw new Error('this command changes nothing');
  };
  try {
    config.loadFromDefault();
  } catch (error) {
    throw new CommandError(`the kubeconfig cannot be read: ${explain(error)}`, { cause: error });
  }
  if (config.getCurrentContext() === WITHOUT_KUBECONFIG)
    throw new CommandError(
      'no kubeconfig: ~/.kube/config does not exist; create it, set KUBECONFIG to another file, or use --fleet',
    );
  if (context === undefined) return config;
  const known = config.getContexts().map(({ name }) => name);
  if (!known.includes(context))
    throw new CommandError(`the kubeconfig has no context ${context}; it has ${known.join(', ')}`);
  config.setCurrentContext(context);
  return config;
}

/** The namespace that kubectl would use for a manifest without one. */
export function namespaceOf(config: PooledKubeConfig): string {
  return config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
}

/**
 * Reads a pool and its hosts; needs the rights to list both. For a pool with
 * several controllers it also reads the host of the leading operator, and for
 * every pool the pods on its hosts; `note` gets the reason when these cannot be
 * read. Throws CommandError.
 */
export async function readCluster(
  config: PooledKubeConfig,
  poolName: string,
  note: (text: string) => void,
): Promise<Fleet> {
  const pools = await poolsOf(config);
  const pool = pools.find(({ metadata }) => metadata.name === poolName);
  if (!pool) {
    const others = pools.map(({ metadata }) => metadata.name).join(', ') || 'none';
    throw new CommandError(`the cluster has no HostPool ${poolName} that can be read; it has: ${others}`);
  }
  const scope = scopeOf(pool, pools);
  const nodes = await nodesOf(config);
  const standing = (wanted: string): NodeState[] =>
    nodes
      .filter((node) => membershipOf(node, scope) === wanted)
      .toSorted((a, b) => compareHostNames(a.name, b.name));
  const members = standing('member');
  const activeHost = await activeOf(members, pool.spec, config, note);
  const pods = await podsOf(config, new Set(members.map(({ name }) => name)), note);
  return {
    pool: {
      name: poolName,
      spec: pool.spec,
      keptByOtherPools: standing('kept-by-other').map(({ name }) => name),
      ...(activeHost === undefined ? {} : { activeHost }),
    },
    hosts: members.map((node) => ({ ...hostOf(node, pool.spec), pods: pods.get(node.name) ?? [] })),
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

async function poolsOf(config: PooledKubeConfig): Promise<HostPool[]> {
  const path = `/apis/${API_VERSION}/hostpools`;
  const answer = await reading(config, 'HostPools', () => call<unknown>(config, { method: 'GET', path }));
  const { items } = z.object({ items: z.array(z.unknown()) }).parse(answer);
  return items.flatMap((each) => hostPool.safeParse(each).data ?? []);
}

async function nodesOf(config: PooledKubeConfig): Promise<NodeState[]> {
  return reading(config, 'nodes', async () => {
    const nodes: NodeState[] = [];
    for await (const { items } of rawPages<V1Node>(config, '/api/v1/nodes', {}))
      nodes.push(...items.map(nodeState));
    return nodes;
  });
}

async function reading<T>(config: PooledKubeConfig, what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const server = config.getCurrentCluster()?.server ?? 'no cluster';
    throw new CommandError(
      `the ${what} of ${server} (context ${config.getCurrentContext()}) cannot be listed: ${explain(error)}; ` +
        'choose another with --context or KUBECONFIG, or plan from a file with --fleet',
      { cause: error },
    );
  }
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
