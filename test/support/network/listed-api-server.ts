/** The API server of a testbed as one of a control plane: at the address of a host, and in the list of all API servers. */
import { networkInterfaces } from 'node:os';
import type { KubeConfig } from '@kubernetes/client-node';
import { apply, remove, type Manifest } from '../controlplane/apply.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** Of this machine, beyond loopback: Kubernetes lists no address of loopback. */
export const OWN_ADDRESS =
  Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? 'no network';

/** Makes the server reachable at `OWN_ADDRESS`, and lists it as a server with other flags lists itself. */
export async function listedApiServer(admin: KubeConfig, server: string): Promise<TcpProxy> {
  const front = await TcpProxy.start(server, OWN_ADDRESS);
  await apply(admin, listOf(front.port));
  return front;
}

export async function unlistApiServers(admin: KubeConfig): Promise<void> {
  await remove(admin, listOf(1));
}

function listOf(port: number): Manifest {
  return {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
    metadata: {
      ...{ name: 'kubernetes', namespace: 'default' },
      labels: { 'kubernetes.io/service-name': 'kubernetes' },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: [OWN_ADDRESS], conditions: { ready: true } }],
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  };
}
