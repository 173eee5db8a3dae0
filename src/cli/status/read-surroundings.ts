/** Reads what a strategy waits for: the pods and budgets of its drains, or the permits of its pool. */
import type { KubernetesObject } from '@kubernetes/client-node';
import type { z } from 'zod';
import { call, rawList } from '../../kube/client.ts';
import { explain } from '../../kube/errors.ts';
import { POOLS_PATH } from '../../resources/paths.ts';
import { hostPool, type HostPool } from '../../resources/stored-pool.ts';
import type { Connection } from '../cluster/connection.ts';
import { drainingHosts, lacksPermits } from './advice.ts';
import { budgetSchema, podSchema, type Budget, type Pod } from './budgets.ts';
import type { Surroundings } from './report.ts';
import { sessionReport } from './session-report.ts';
import type { Seen } from './standing.ts';

/** Each host costs a request. */
const MOST_HOSTS = 5;

/**
 * What cannot be read, for example without the right, is left out, since the status of the strategy says much already.
 * @param note takes a line about each thing that cannot be read
 */
export async function readSurroundings(
  connection: Connection,
  strategy: Seen,
  note: (text: string) => void,
): Promise<Surroundings> {
  const unread = new Set<string>();
  const reading = { connection, unread };
  const draining = drainingHosts(strategy).slice(0, MOST_HOSTS);
  const asksProjects = (sessionReport(strategy)?.asked ?? []).length > 0;
  const pool = await poolFor(reading, strategy, draining.length > 0 || asksProjects);
  const hosts = pool?.spec.provider.openstack ? [] : draining;
  const pods = new Map(
    await Promise.all(hosts.map(async ({ name }) => [name, await podsOn(reading, name)] as const)),
  );
  const namespaces = new Set([...pods.values()].flat().map(({ metadata }) => metadata.namespace));
  const budgets = await Promise.all([...namespaces].map((each) => budgetsIn(reading, each)));
  unread.forEach(note);
  return { pods, budgets: budgets.flat(), pool };
}

/**
 * It says which permits there are, for a drain whether the hosts are nodes, and for a session in which namespaces its
 * projects are asked. Without an answer hosts count as nodes.
 */
async function poolFor(reading: Reading, strategy: Seen, isOfUse: boolean): Promise<HostPool | undefined> {
  const { poolRef } = strategy.spec;
  if (lacksPermits(strategy)) return poolNamed(reading, poolRef);
  return isOfUse ? poolNamed({ ...reading, unread: new Set() }, poolRef) : undefined;
}

type Reading = {
  readonly connection: Connection;
  /** What could not be read, and why, each once. */
  readonly unread: Set<string>;
};

async function podsOn(reading: Reading, host: string): Promise<readonly Pod[]> {
  return listed(reading, 'pods', podSchema, '/api/v1/pods', `spec.nodeName=${host}`);
}

async function budgetsIn(reading: Reading, namespace: string): Promise<readonly Budget[]> {
  return listed(
    reading,
    'disruption budgets',
    budgetSchema,
    `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`,
  );
}

async function listed<T>(
  { connection: { config }, unread }: Reading,
  what: string,
  schema: z.ZodType<T>,
  path: string,
  fieldSelector = '',
): Promise<readonly T[]> {
  try {
    const objects = await rawList<KubernetesObject>(config, path, { fieldSelector });
    return objects.flatMap((object) => schema.safeParse(object).data ?? []);
  } catch (error) {
    unread.add(`the ${what} cannot be read: ${explain(error)}; what blocks a drain may be missing here`);
    return [];
  }
}

async function poolNamed(
  { connection: { config }, unread }: Reading,
  name: string,
): Promise<HostPool | undefined> {
  try {
    return hostPool.safeParse(await call<unknown>(config, { method: 'GET', path: `${POOLS_PATH}/${name}` }))
      .data;
  } catch (error) {
    unread.add(`HostPool ${name} cannot be read: ${explain(error)}; what has its permits is not known`);
    return undefined;
  }
}
