/** Names, makes and reads the Jobs that work on hosts. Pure. */
import { createHash } from 'node:crypto';
import type { V1Job, V1JobCondition, V1JobStatus } from '@kubernetes/client-node';
import {
  ACTION_LABEL,
  API_VERSION,
  EFFECT_ANNOTATION,
  EPOCH_ANNOTATION,
  HOST_ANNOTATION,
  RUN_LABEL,
} from '../../crds/names.ts';
import type { Effect } from '../../engine/effect.ts';
import type { EffectFacts, EffectKey } from '../../engine/view.ts';
import type { HostName } from '../../planner/facts.ts';
import type { Fence } from '../port.ts';

export type CreateJob = Extract<Effect, { kind: 'create-job' }>;

/** The parts of a Job that are kept in memory. */
export type JobState = {
  readonly key: EffectKey;
  readonly run: string;
  readonly host: HostName;
  readonly ownerUid: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly revision: string;
  readonly state: EffectFacts['state'];
  /** It was started at some time, also if it is suspended again: only a start sets its deadline. */
  readonly wasStarted: boolean;
  /** Its controller has taken it up since its last start, and has never counted a pod of it. */
  readonly hadNoPod: boolean;
  /** Its controller has seen that it is suspended, and makes no more pods. */
  readonly isHeld: boolean;
  /** Why its controller let it fail; empty unless it did. */
  readonly failedBecause: string;
};

/** The same effect always gets the same name, so that its Job cannot be made twice. */
export function jobName({ key, action }: Pick<CreateJob, 'key' | 'action'>): string {
  const digest = createHash('sha256').update(key).digest('hex').slice(0, 12);
  const words = action.replaceAll('.', '-').slice(0, 40).replace(/-+$/, '');
  return `careen-${words}-${digest}`;
}

/**
 * The Job of an effect: one pod, pinned to its host. Kubernetes itself never
 * makes or starts it twice. It is suspended until the status records it.
 */
export function jobManifest(effect: CreateJob, { owner, run, epoch }: Fence): object {
  const { key, host, action, job } = effect;
  const labels = { [RUN_LABEL]: run, [ACTION_LABEL]: action };
  const annotations = { [HOST_ANNOTATION]: host, [EFFECT_ANNOTATION]: key };
  const stamp = { [EPOCH_ANNOTATION]: String(epoch) };
  const { metadata, spec } = job.template;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(effect),
      namespace: owner.namespace,
      labels,
      annotations: { ...annotations, ...stamp },
      ownerReferences: [
        {
          apiVersion: API_VERSION,
          kind: owner.kind,
          name: owner.name,
          uid: owner.uid,
          controller: true,
        },
      ],
    },
    spec: {
      suspend: true,
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      template: {
        metadata: {
          labels: { ...metadata?.labels, ...labels },
          annotations: { ...metadata?.annotations, ...annotations },
        },
        spec: {
          ...spec,
          automountServiceAccountToken: wantsToken(spec),
          nodeName: host,
          restartPolicy: 'Never',
          tolerations: [{ operator: 'Exists' }],
        },
      },
    },
  };
}

/**
 * Whether the pod gets a token for the API server: only for a service account
 * that its spec names. The policy of the pool must list that account.
 */
function wantsToken({
  serviceAccountName,
  automountServiceAccountToken,
}: CreateJob['job']['template']['spec']): boolean {
  return Boolean(serviceAccountName) && automountServiceAccountToken !== false;
}

/** Reads a Job; undefined for a Job that is not ours. */
export function jobState({ metadata, spec, status }: V1Job): JobState | undefined {
  const key = metadata?.annotations?.[EFFECT_ANNOTATION];
  const host = metadata?.annotations?.[HOST_ANNOTATION];
  if (key === undefined || host === undefined) return undefined;
  const condition = (type: string): V1JobCondition | undefined =>
    status?.conditions?.find((each) => each.type === type && each.status === 'True');
  const failed = condition('Failed');
  const open = spec?.suspend === true ? 'suspended' : 'running';
  return {
    key,
    run: metadata?.labels?.[RUN_LABEL] ?? '',
    host,
    ownerUid: metadata?.ownerReferences?.find(({ controller }) => controller)?.uid ?? '',
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    revision: metadata?.resourceVersion ?? '',
    state: failed ? 'failed' : condition('Complete') ? 'succeeded' : open,
    wasStarted: open === 'running' || spec?.activeDeadlineSeconds !== undefined,
    hadNoPod: status?.startTime !== undefined && countedPods(status) === 0,
    isHeld: condition('Suspended') !== undefined,
    failedBecause: [failed?.reason, failed?.message].filter(Boolean).join(': '),
  };
}

function countedPods({ active, failed, succeeded, uncountedTerminatedPods: ended }: V1JobStatus): number {
  const uncounted = (ended?.failed?.length ?? 0) + (ended?.succeeded?.length ?? 0);
  return (active ?? 0) + (failed ?? 0) + (succeeded ?? 0) + uncounted;
}
