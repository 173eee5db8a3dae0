/** A connection with the cloud of a pool. */
import type { Client } from '../../kube/client.ts';
import { Compute } from '../../openstack/compute.ts';
import { Placement } from '../../openstack/placement.ts';
import { OpenStackSession } from '../../openstack/session.ts';
import { networkTransport } from '../../openstack/transport.ts';
import { cloudFrom, readSecret } from './identity.ts';
import type { OpenStackProvider } from './provider.ts';

export type CloudConnection = {
  readonly compute: Compute;
  readonly placement: Placement;
  /** Whether the Secret is still the one that this was made from. One that cannot be read now counts as the same. */
  readonly isCurrent: (signal: AbortSignal) => Promise<boolean>;
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
  const secret = await readSecret(config, namespace, provider, signal);
  const { resourceVersion } = secret.metadata;
  const cloud = cloudFrom(secret, namespace, provider);
  const { transport, close } = transportTo(cloud);
  const session = new OpenStackSession(cloud, transport);
  return {
    ...{ compute: new Compute(session), placement: new Placement(session) },
    isCurrent: async (stopping) => {
      const now = await readSecret(config, namespace, provider, stopping).catch(() => undefined);
      return now === undefined || now.metadata.resourceVersion === resourceVersion;
    },
    close: () => {
      session.close();
      void close();
    },
  };
}
