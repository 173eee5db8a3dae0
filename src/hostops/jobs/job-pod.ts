/** Reads the pod of a Job: whether a container of it has started, and what it waits for. Pure. */
import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { exitOf } from './job-failures.ts';

export type JobPod = {
  readonly jobUid: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly hasStarted: boolean;
  /** The first container that ended with an exit code other than 0. */
  readonly exit: string | undefined;
  /** In one clause, such as `container apply waits: ImagePullBackOff: …`; undefined when the pod does not say it. */
  readonly words: string | undefined;
};

/** These say that work is under way, and not what is in its way. */
const UNDER_WAY = new Set(['ContainerCreating', 'PodInitializing']);
/** The container was made and not run, or the kubelet never found it. */
const NEVER_RAN = new Set(['StartError', 'ContainerCannotRun', 'ContainerStatusUnknown']);

/** Undefined for a pod of no Job. */
export function jobPod(pod: V1Pod): JobPod | undefined {
  const { metadata } = pod;
  const jobUid = jobUidOf(pod);
  if (jobUid === undefined) return undefined;
  return {
    jobUid,
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    hasStarted: hasStarted(pod),
    exit: exitOf(statusesOf(pod)),
    words: hasStarted(pod) ? whatStillRuns(pod) : whatIsInTheWay(pod),
  };
}

/** The uid of the Job that has made the pod; undefined for any other pod. Labels are no evidence. */
export function jobUidOf({ metadata }: V1Pod): string | undefined {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  return owner?.kind === 'Job' && owner.apiVersion === 'batch/v1' ? owner.uid : undefined;
}

/** Whether a container of the pod has started, of any kind. In doubt it has. */
export function hasStarted(pod: V1Pod): boolean {
  const statuses = statusesOf(pod);
  const { phase, reason } = pod.status ?? {};
  if (statuses.length > 0) return statuses.some(hasRun);
  // A pod that the kubelet rejects fails with a reason.
  return phase === 'Running' || phase === 'Succeeded' || (phase === 'Failed' && !reason);
}

function hasRun({ state, lastState, started, restartCount }: V1ContainerStatus): boolean {
  if (state?.running || started || restartCount > 0) return true;
  return [state?.terminated, lastState?.terminated].some(
    (ended) => ended && !(NEVER_RAN.has(ended.reason ?? '') && !hasTime(ended.startedAt)),
  );
}

/** A container that never ran has no start, or one in 1970. */
function hasTime(startedAt: unknown): boolean {
  return Date.parse(String(startedAt)) > 0;
}

function whatStillRuns(pod: V1Pod): string | undefined {
  const main = pod.status?.containerStatuses ?? [];
  const ended = main.filter(({ state }) => state?.terminated);
  const running = main.filter(({ state }) => state?.running);
  if (ended.length === 0 || running.length === 0) return undefined;
  return [
    ...ended.map(
      ({ name, state }) => `container ${name} has ended with code ${String(state?.terminated?.exitCode)}`,
    ),
    ...running.map(({ name }) => `container ${name} still runs`),
  ].join(', ');
}

function whatIsInTheWay(pod: V1Pod): string | undefined {
  const { reason, message, conditions = [] } = pod.status ?? {};
  const container = statusesOf(pod)
    .map(whatItWaitsFor)
    .find((words) => words !== undefined);
  if (container !== undefined) return container;
  const unscheduled = conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  const own = reason || message ? { reason, message } : unscheduled;
  return own && `pod ${pod.metadata?.name ?? ''} waits: ${joined(own.reason, own.message)}`;
}

function whatItWaitsFor({ name, state }: V1ContainerStatus): string | undefined {
  const { waiting, terminated } = state ?? {};
  if (waiting && (waiting.message || !UNDER_WAY.has(waiting.reason ?? '')))
    return `container ${name} waits: ${joined(waiting.reason, waiting.message)}`;
  return terminated && `container ${name} did not start: ${joined(terminated.reason, terminated.message)}`;
}

function statusesOf({ status }: V1Pod): V1ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

function joined(...parts: readonly (string | undefined)[]): string {
  return parts.filter(Boolean).join(': ');
}
