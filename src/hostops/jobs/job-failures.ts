/** Finds out from its pods why a Job failed. Pure. */
import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';

/** Describes the first container with an exit code other than 0, otherwise the reason and message of a pod. */
export function failureOf(pods: readonly V1Pod[]): string | undefined {
  const statuses = pods.flatMap(({ status }) => [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ]);
  const exit = exitOf(statuses);
  if (exit) return exit;
  const pod = pods.find(({ status }) => status?.reason ?? status?.message)?.status;
  return pod && [pod.reason, pod.message].filter(Boolean).join(': ');
}

/** The first container with an exit code other than 0. */
export function exitOf(statuses: readonly V1ContainerStatus[]): string | undefined {
  return statuses.map(exitOfOne).find((text) => text !== undefined);
}

function exitOfOne({ name, state }: V1ContainerStatus): string | undefined {
  const ended = state?.terminated;
  if (!ended || ended.exitCode === 0) return undefined;
  const reason = ended.reason && ended.reason !== 'Error' ? ` (${ended.reason})` : '';
  return `container ${name} exited with code ${String(ended.exitCode)}${reason}`;
}
