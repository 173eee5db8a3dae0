/** Why a Job failed, as its pod tells it. */
import type { KubeConfig, V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { rawList } from '../../kube/client.ts';
import type { JobState } from './job.ts';

/**
 * Looks up which container failed and how: `container apply exited with code 7`.
 * Undefined when no pod is left that tells.
 */
export async function lookUpFailure(
  config: KubeConfig,
  { namespace, name }: Pick<JobState, 'namespace' | 'name'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const labelSelector = `batch.kubernetes.io/job-name=${name}`;
  const pods = await rawList<V1Pod>(
    config,
    `/api/v1/namespaces/${namespace}/pods`,
    { labelSelector },
    signal,
  );
  return failureOf(pods);
}

/** Pure part: the first container that ended with another code than 0, otherwise what the pod itself says. */
export function failureOf(pods: readonly V1Pod[]): string | undefined {
  const statuses = pods.flatMap(({ status }) => [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ]);
  const said = statuses.map(exitOf).find((text) => text !== undefined);
  if (said) return said;
  const pod = pods.find(({ status }) => status?.reason ?? status?.message)?.status;
  return pod && [pod.reason, pod.message].filter(Boolean).join(': ');
}

function exitOf({ name, state }: V1ContainerStatus): string | undefined {
  const ended = state?.terminated;
  if (!ended || ended.exitCode === 0) return undefined;
  const reason = ended.reason && ended.reason !== 'Error' ? ` (${ended.reason})` : '';
  return `container ${name} exited with code ${String(ended.exitCode)}${reason}`;
}
