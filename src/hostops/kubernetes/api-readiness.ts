/**
 * The health of the members of a control plane through their API servers. Where each controller has its own (kubeadm, k3s,
 * RKE2), the readiness of an API server includes that of its etcd.
 */
import { isIPv4, isIPv6 } from 'node:net';
import type { V1EndpointSlice } from '@kubernetes/client-node';
import { rawList, send, type Client } from '../../kube/client.ts';
import { explain, failingCheck } from '../../kube/errors.ts';
import type { HostName } from '../../planner/hosts/facts.ts';

const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
/** The Service by which pods reach the API servers. */
const OF_API_SERVERS = { labelSelector: 'kubernetes.io/service-name=kubernetes' };
/** An API server whose etcd is dead says so after 4 s: it waits 2 s for it in each of two checks. */
export const ANSWER_LIMIT_MS = 5_000;
export const NO_ANSWER = `no answer within ${String(ANSWER_LIMIT_MS / 1000)} s`;

/** A controller, with its internal addresses as they are in a URL. */
export type Member = { readonly name: HostName; readonly addresses: readonly string[] };

/** `list` reads the list of API servers, `each` asks them. */
export type Clients = { readonly list: Client; readonly each: Client };

/**
 * Why API servers are not ready, by the hosts of those that were asked. Nobody is asked when the API servers run on none
 * of the controllers, as in a managed control plane. Throws when the list of the API servers cannot be read.
 */
export async function unreadyApiServers(
  { list, each }: Clients,
  controllers: readonly Member[],
  asked: readonly Member[],
  signal: AbortSignal,
): Promise<ReadonlyMap<HostName, string>> {
  const ports = await portsByAddress(list, signal);
  const usual = controllers.flatMap(({ addresses }) =>
    addresses.flatMap((address) => ports.get(address) ?? []),
  )[0];
  if (usual === undefined) return new Map();
  const answers = asked.map(async ({ name, addresses }) => {
    // An API server that has been dead for a while is no longer listed. It is asked where it would be.
    const address = addresses.find((one) => ports.has(one)) ?? addresses[0];
    if (address === undefined)
      return [[name, 'its Node has no InternalIP to ask its API server at'] as const];
    const port = ports.get(address) ?? usual;
    const why = await whyNotReady(each, `https://${address}:${String(port)}`, signal);
    return why === undefined ? [] : [[name, why] as const];
  });
  return new Map((await Promise.all(answers)).flat());
}

async function portsByAddress(client: Client, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const slices = await rawList<V1EndpointSlice>(client, SLICES, OF_API_SERVERS, signal);
  return new Map(
    slices.flatMap(({ endpoints, ports }) => {
      const { port } = ports?.find(({ name }) => name === 'https') ?? ports?.[0] ?? {};
      const hosts = (endpoints ?? []).flatMap(({ addresses }) => hostsInUrls(addresses));
      return port === undefined ? [] : hosts.map((host) => [host, port] as const);
    }),
  );
}

/** Addresses as they are in a URL, one form for each; without names, which no host has as its internal address. */
export function hostsInUrls(addresses: readonly string[]): string[] {
  return addresses.flatMap((address) => {
    if (isIPv4(address)) return address;
    return isIPv6(address) ? (URL.parse(`https://[${address}]`)?.hostname ?? []) : [];
  });
}

async function whyNotReady(client: Client, origin: string, signal: AbortSignal): Promise<string | undefined> {
  const limit = AbortSignal.timeout(ANSWER_LIMIT_MS);
  const request = { method: 'GET', path: '/readyz', query: { verbose: true }, origin } as const;
  try {
    const answer = await send(client, request, AbortSignal.any([signal, limit]));
    await answer.body?.cancel();
    return answer.status === 200 ? undefined : `${origin}/readyz answers ${String(answer.status)}`;
  } catch (error) {
    signal.throwIfAborted();
    return `${origin}/readyz: ${limit.aborted ? NO_ANSWER : (failingCheck(error) ?? explain(error))}`;
  }
}
