/** The host of the leading operator. A plan takes it last among the controllers of its pool. */
import { z } from 'zod';
import { podOfLeader } from '../../crds/leader-identity.ts';
import { LEASE_NAME, OPERATOR_NAMESPACE } from '../../crds/names.ts';
import { call, type PooledKubeConfig } from '../../kube/client.ts';
import { explain } from '../../kube/errors.ts';

const lease = z.object({ spec: z.object({ holderIdentity: z.string().nullish() }).default({}) });
const pod = z.object({ spec: z.object({ nodeName: z.string().optional() }) });

const LEASE = `Lease ${OPERATOR_NAMESPACE}/${LEASE_NAME}`;

/**
 * The name of the leading operator's node. Needs the rights to get its Lease and
 * its pod. Undefined when the node cannot be read; `note` gets the reason.
 */
export async function activeHostOf(
  config: PooledKubeConfig,
  note: (text: string) => void,
): Promise<string | undefined> {
  const found = await leadersNode(config);
  if ('node' in found) return found.node;
  note(
    `${found.unknown}, so the controller that runs the leading operator is not known; the operator plans that ` +
      'controller last: to get the same plan, name it as pool.activeHost in a fleet file',
  );
  return undefined;
}

async function leadersNode(config: PooledKubeConfig): Promise<{ node: string } | { unknown: string }> {
  const namespaced = `namespaces/${OPERATOR_NAMESPACE}`;
  let reading = LEASE;
  try {
    const leasePath = `/apis/coordination.k8s.io/v1/${namespaced}/leases/${LEASE_NAME}`;
    const { spec } = lease.parse(await call(config, { method: 'GET', path: leasePath }));
    const podName = podOfLeader(spec.holderIdentity ?? '');
    if (podName === undefined) return { unknown: `nobody holds ${LEASE}` };
    reading = `pod ${OPERATOR_NAMESPACE}/${podName}, the holder of ${LEASE},`;
    const podPath = `/api/v1/${namespaced}/pods/${podName}`;
    const { nodeName } = pod.parse(await call(config, { method: 'GET', path: podPath })).spec;
    return nodeName === undefined ? { unknown: `${reading} has no node` } : { node: nodeName };
  } catch (error) {
    return { unknown: `${reading} cannot be read: ${explain(error)}` };
  }
}
