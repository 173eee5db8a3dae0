/** A connection with the cloud of a pool. */
import type { Client } from '../../kube/client.ts';
import { Compute } from '../../openstack/compute.ts';
import { Placement } from '../../openstack/placement.ts';
import { OpenStackSession } from '../../openstack/session.ts';
import { networkTransport } from '../../openstack/transport.ts';
import { readCloud } from './identity.ts';
import type { OpenStackProvider } from './provider.ts';

export type CloudConnection = {
  readonly compute: Compute;
  readonly placement: Placement;
  /** Safe to call twice. */
  readonly close: () => void;
};

/** Reads the credentials, and makes clients. Sends nothing to the cloud. Throws why there are no credentials. */
export async function connectCloud(
  config: Client,
  namespace: string,
  provider: OpenStackProvider,
  signal: AbortSignal,
  transportTo: typeof networkTransport = networkTransport,
): Promise<CloudConnection> {
  const cloud = await readCloud(config, namespace, provider, signal);
  const { transport, close } = transportTo(cloud);
  const session = new OpenStackSession(cloud, transport);
  return {
    ...{ compute: new Compute(session), placement: new Placement(session) },
    close: () => {
      session.close();
      void close();
    },
  };
}
