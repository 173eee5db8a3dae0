/** Reads a whole cloud once, for the commands of a person: what the operator keeps observing. Changes nothing. */
import type { V1Lease } from '@kubernetes/client-node';
import { HOST_CLAIM_LABEL } from '../../crds/names.ts';
import { rawList, type Client } from '../../kube/client.ts';
import { explain } from '../../kube/errors.ts';
import { claimLeaseOf, leasesPath, type ClaimLease } from './claim-leases.ts';
import type { CloudScene } from './placing/cloud-scene.ts';
import { readSurvey } from './placing/cloud-survey.ts';
import { computeHost, hasId, type ComputeHost } from './compute-host.ts';
import { connectCloud } from './connection.ts';
import { keyOfCloud, type OpenStackProvider } from './provider.ts';

export type CloudReading = {
  /** All hosts of the cloud. */
  readonly hosts: readonly ComputeHost[];
  readonly scene: CloudScene;
  /** Why the claims are not known; undefined where they are. Without them no host has one. */
  readonly claimsUnknown: string | undefined;
};

export type CloudReadingOptions = {
  readonly config: Client;
  /** The operator's own, which has the Secrets and the Leases. */
  readonly namespace: string;
  readonly provider: OpenStackProvider;
  readonly now: () => number;
};

/** Throws why there is no login, with the error of the request for the Secret as its cause; or an OpenStackError. */
export async function readCloudOnce(
  { config, namespace, provider, now }: CloudReadingOptions,
  signal: AbortSignal,
): Promise<CloudReading> {
  const connection = await connectCloud(config, namespace, provider, signal);
  try {
    const { compute } = connection;
    const [services, aggregates, hypervisors, claims] = await Promise.all([
      compute.services(signal),
      compute.aggregates(signal),
      compute.hypervisors(signal),
      claimsIn(config, namespace, keyOfCloud(provider), signal),
    ]);
    const survey = await readSurvey(connection, { aggregates, hypervisors }, now(), signal);
    const hosts = services.filter(hasId).map((service) => {
      const hypervisor = hypervisors.find(({ serviceHost }) => serviceHost === service.host);
      return computeHost({ service, aggregates, hypervisor, lease: claims.of.get(service.host) });
    });
    const scene = { survey, hosts: new Map(hosts.map((host) => [host.name, host])) };
    return { hosts, scene, claimsUnknown: claims.unknown };
  } finally {
    connection.close();
  }
}

type Claims = { readonly of: ReadonlyMap<string, ClaimLease>; readonly unknown: string | undefined };

async function claimsIn(
  config: Client,
  namespace: string,
  cloud: string,
  signal: AbortSignal,
): Promise<Claims> {
  try {
    const selection = { labelSelector: HOST_CLAIM_LABEL };
    const leases = await rawList<V1Lease>(config, leasesPath(namespace), selection, signal);
    const own = leases.map(claimLeaseOf).filter((each) => each.cloud === cloud);
    return { of: new Map(own.map((each) => [each.host, each])), unknown: undefined };
  } catch (error) {
    signal.throwIfAborted();
    return { of: new Map(), unknown: explain(error) };
  }
}
