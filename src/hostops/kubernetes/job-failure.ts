import type { KubeConfig, V1Pod } from '@kubernetes/client-node';
import { rawList } from './kube-client.ts';
import type { JobState } from './job.ts';

/** Why a failed Job failed, from its pod: which container ended with which code. */
export async function jobFailure(config: KubeConfig, { namespace, name }: JobState, signal: AbortSignal): Promise<string> {
  const selection = { labelSelector: `batch.kubernetes.io/job-name=${name}` };
  const pods = await rawList<V1Pod>(config, `/api/v1/namespaces/${namespace}/pods`, selection, signal);
  return pods.map(podFailure).find((each) => each !== undefined) ?? 'its pod is gone, so no exit code is known';
}

function podFailure({ status }: V1Pod): string | undefined {
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  for (const { name, state } of containers) {
    const end = state?.terminated;
    if (!end || end.exitCode === 0) continue;
    const details = [end.reason === 'Error' ? undefined : end.reason, end.message?.trim().slice(0, 200)].filter(Boolean);
    return `container ${name} exited with code ${String(end.exitCode)}${details.length > 0 ? ` (${details.join(': ')})` : ''}`;
  }
  if (status?.phase !== 'Failed') return undefined;
  return [status.reason, status.message].filter(Boolean).join(': ') || 'its pod failed without an exit code';
}
