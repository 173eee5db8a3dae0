/** Finds out from its pod why a Job failed. */
import type { KubeConfig, V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { rawList } from '../../kube/client.ts';
import type { JobState } from './job.ts';

/**
 * Looks up which container failed and how: `container apply exited with code 7`.
 * Undefined when no pod is left.
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

/** Pure: describes the first container with an exit code other than 0, otherwise the reason and message of a pod. */
export function failureOf(pods: readonly V1Pod[]): string | undefined {
  const statuses = pods.flatMap(({ status }) => [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ]);
  const exit = statuses.map(exitOf).find((text) => text !== undefined);
  if (exit) return exit;
  const pod = pods.find(({ status }) => status?.reason ?? status?.message)?.status;
  return pod && [pod.reason, pod.message].filter(Boolean).join(': ');
}

function exitOf({ name, state }: V1ContainerStatus): string | undefined {
  const ended = state?.terminated;
  if (!ended || ended.exitCode === 0) return undefined;
  const reason = ended.reason && ended.reason !== 'Error' ? ` (${ended.reason})` : '';
  return `container ${name} exited with code ${String(ended.exitCode)}${reason}`;
}
