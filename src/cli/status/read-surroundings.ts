/** Reads what a strategy waits for: the pods and budgets of its drains, or the permits of its pool. */
import type { KubernetesObject } from '@kubernetes/client-node';
import type { z } from 'zod';
import { call, rawList } from '../../kube/client.ts';
import { POOLS_PATH } from '../../resources/careen-api.ts';
import { hostPool, type HostPool } from '../../resources/stored-pool.ts';
import type { Connection } from '../cluster/connection.ts';
import { drainingHosts, lacksPermits } from './advice.ts';
import { budgetSchema, podSchema, type Budget, type Pod } from './budgets.ts';
import type { Surroundings } from './report.ts';
import type { Seen } from './standing.ts';

/** Each host costs a request. */
const MOST_HOSTS = 5;

/** What cannot be read, for example without the right, is left out: the status of the strategy says enough. */
export async function readSurroundings(connection: Connection, strategy: Seen): Promise<Surroundings> {
  const hosts = drainingHosts(strategy).slice(0, MOST_HOSTS);
  const pods = new Map(
    await Promise.all(hosts.map(async ({ name }) => [name, await podsOn(connection, name)] as const)),
  );
  const namespaces = new Set([...pods.values()].flat().map(({ metadata }) => metadata.namespace));
  const budgets = await Promise.all([...namespaces].map((each) => budgetsIn(connection, each)));
  const pool = lacksPermits(strategy) ? await poolNamed(connection, strategy.spec.poolRef) : undefined;
  return { pods, budgets: budgets.flat(), pool };
}

async function podsOn(connection: Connection, host: string): Promise<readonly Pod[]> {
  return listed(connection, podSchema, '/api/v1/pods', `spec.nodeName=${host}`);
}

async function budgetsIn(connection: Connection, namespace: string): Promise<readonly Budget[]> {
  return listed(connection, budgetSchema, `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`);
}

async function listed<T>(
  { config }: Connection,
  schema: z.ZodType<T>,
  path: string,
  fieldSelector = '',
): Promise<readonly T[]> {
  try {
    const objects = await rawList<KubernetesObject>(config, path, { fieldSelector });
    return objects.flatMap((object) => schema.safeParse(object).data ?? []);
  } catch {
    return [];
  }
}

async function poolNamed({ config }: Connection, name: string): Promise<HostPool | undefined> {
  try {
    return hostPool.safeParse(await call<unknown>(config, { method: 'GET', path: `${POOLS_PATH}/${name}` }))
      .data;
  } catch {
    return undefined;
  }
}
