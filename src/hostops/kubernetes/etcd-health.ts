/** The health of the members of etcd, by their own endpoints, with the certificate of a Secret. */
import type { V1Secret } from '@kubernetes/client-node';
import { z } from 'zod';
import { call, type Client } from '../../kube/client.ts';
import { connectionPool, type TlsKeys } from '../../http/connection-pool.ts';
import { explain } from '../../kube/errors.ts';
import { exchange } from '../../http/exchange.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { parseJson } from '../claims.ts';
import { ANSWER_LIMIT_MS, NO_ANSWER, type Member } from './api-readiness.ts';

/** As cert-manager names them in a Secret, and kubeadm in a folder. */
const KEYS = { ca: 'ca.crt', cert: 'tls.crt', key: 'tls.key' } as const;
export type EtcdKeys = Required<Pick<TlsKeys, keyof typeof KEYS>>;

/** Reads the keys of a Secret. Throws an error that says why they are not there. */
export async function readEtcdKeys(
  client: Client,
  namespace: string,
  secret: string,
  signal: AbortSignal,
): Promise<EtcdKeys> {
  const path = `/api/v1/namespaces/${namespace}/secrets/${secret}`;
  const { data = {} } = await call<V1Secret>(client, { method: 'GET', path }, signal);
  const missing = Object.values(KEYS).filter((name) => !data[name]);
  if (missing.length > 0) throw new Error(`it has no ${missing.join(', no ')}`);
  const valueOf = (name: string): Buffer => Buffer.from(data[name] ?? '', 'base64');
  return { ca: valueOf(KEYS.ca), cert: valueOf(KEYS.cert), key: valueOf(KEYS.key) };
}

/** Why members are not healthy, by host. */
export async function unhealthyEtcd(
  keys: EtcdKeys,
  port: number,
  members: readonly Member[],
  signal: AbortSignal,
): Promise<ReadonlyMap<HostName, string>> {
  const dispatcher = connectionPool(keys, undefined);
  const answers = members.map(async ({ name, addresses: [address] }) => {
    if (address === undefined) return [name, 'its Node has no InternalIP to ask etcd at'] as const;
    const origin = `https://${address}:${String(port)}`;
    const why = await whyUnhealthy(dispatcher, origin, signal);
    return [name, why === undefined ? undefined : `${origin}/health: ${why}`] as const;
  });
  try {
    const found = await Promise.all(answers);
    return new Map(found.flatMap(([name, why]) => (why === undefined ? [] : [[name, why]])));
  } finally {
    await dispatcher.destroy();
  }
}

const healthSchema = z.looseObject({ health: z.string(), reason: z.string().optional() });

async function whyUnhealthy(
  dispatcher: ReturnType<typeof connectionPool>,
  origin: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const limit = AbortSignal.timeout(ANSWER_LIMIT_MS);
  const request = { origin, path: '/health', method: 'GET' } as const;
  try {
    const answer = await exchange(dispatcher, request, AbortSignal.any([signal, limit]));
    const said = healthSchema.safeParse(parseJson(await answer.text())).data;
    if (answer.status === 200 && said?.health === 'true') return undefined;
    return said?.reason || `answers ${String(answer.status)}`;
  } catch (error) {
    signal.throwIfAborted();
    return limit.aborted ? NO_ANSWER : `${explain(error)} (with the certificate of its Secret)`;
  }
}
