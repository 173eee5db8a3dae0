/** Names, makes and reads the Jobs that work on hosts. Pure. */
import { createHash } from 'node:crypto';
import type {
  V1Job,
  V1JobCondition,
  V1JobStatus,
  V1ObjectMeta,
  V1OwnerReference,
} from '@kubernetes/client-node';
import {
  ACTION_LABEL,
  API_VERSION,
  CLOUD_ANNOTATION,
  EFFECT_ANNOTATION,
  EPOCH_ANNOTATION,
  HOST_ANNOTATION,
  JOB_LABEL,
  RUN_LABEL,
  STARTED_ANNOTATION,
} from '../../crds/names.ts';
import type { OwnerRef } from '../../crds/owner-ref.ts';
import { withVariables } from '../../crds/spec/pod-additions.ts';
import { hostOfKey, runOfKey, subjectOfKey, type Effect } from '../../engine/effect.ts';
import type { EffectFacts } from '../../engine/view.ts';
import type { Facts, HostName } from '../../planner/hosts/facts.ts';
import type { Fence } from '../port.ts';
import { alterationOf } from './job-alterations.ts';
import type { JobIdentity } from './job-identity.ts';

export type CreateJob = Extract<Effect, { kind: 'create-job' }>;

/**
 * Everything of a Job that a start depends on: a change of its spec and a deletion have a new generation. Its status is not
 * among it: the Job controller writes that just after the Job was made.
 */
export type StartGuard = Pick<V1ObjectMeta, (typeof GUARDED)[number]>;
const GUARDED = ['generation', 'labels', 'annotations', 'ownerReferences'] as const;

/** The parts of a Job that are kept in memory. */
export type JobState = JobIdentity & {
  readonly run: string;
  readonly host: HostName;
  readonly namespace: string;
  readonly name: string;
  readonly revision: string;
  readonly state: EffectFacts['state'];
  /** It was started at some time, also if it is suspended again: a start marks it. */
  readonly wasStarted: boolean;
  /** Its controller has taken it up since its last start, and has never counted a pod of it. */
  readonly hadNoPod: boolean;
  /** Its controller has seen that it is suspended, and makes no pod, or no more. */
  readonly isHeld: boolean;
  /** Whether it has the label that it can be removed by together with others. */
  readonly isLabelled: boolean;
  /** What its start is decided on; undefined once it was started, or has ended. */
  readonly start?: { readonly guard: StartGuard; readonly revision: string };
  /** It is suspended, and will not end by itself. */
  readonly wasSuspended?: true;
  /** Why its controller let it fail, or why it will not end by itself; empty unless it failed. */
  readonly failedBecause: string;
  /** What somebody changed in it since it was made, while it has not ended. */
  readonly altered?: string;
};

/** The same effect always gets the same name, so that its Job cannot be made twice. */
export function jobName({ key, action }: Pick<CreateJob, 'key' | 'action'>): string {
  const digest = createHash('sha256').update(key).digest('hex').slice(0, 12);
  const words = action.replaceAll('.', '-').slice(0, 40).replace(/-+$/, '');
  return `careen-${words}-${digest}`;
}

/** A host that is no node of this cluster: its Jobs run on any node, and reach it over the network. */
export type RemoteHost = {
  readonly cloud: string;
  readonly address: string | undefined;
  readonly facts: Facts;
};

/**
 * The Job of an effect: one pod, pinned to its host unless that is remote. Kubernetes itself never
 * makes or starts it twice. It is suspended until the status records it.
 */
export function jobManifest(effect: CreateJob, { owner, run, epoch }: Fence, remote?: RemoteHost): object {
  const { key, host, action, job } = effect;
  const labels = { [RUN_LABEL]: run, [ACTION_LABEL]: action };
  const annotations = {
    ...{ [HOST_ANNOTATION]: host, [EFFECT_ANNOTATION]: key },
    ...(remote ? { [CLOUD_ANNOTATION]: remote.cloud } : {}),
  };
  const stamp = { [EPOCH_ANNOTATION]: String(epoch) };
  const { metadata, spec } = job.template;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(effect),
      namespace: owner.namespace,
      labels: { ...labels, [JOB_LABEL]: jobName(effect) },
      annotations: { ...annotations, ...stamp },
      ownerReferences: [ownerReference(owner)],
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
          ...(remote ? withVariables(spec, variablesOf(host, remote)) : spec),
          automountServiceAccountToken: wantsToken(spec),
          restartPolicy: 'Never',
          ...(remote ? {} : { nodeName: host, tolerations: [{ operator: 'Exists' }] }),
        },
      },
    },
  };
}

/** What each container is told of the host that it works on. */
function variablesOf(host: HostName, { address, facts }: RemoteHost): Readonly<Record<string, string>> {
  return {
    CAREEN_HOST: host,
    ...(address === undefined ? {} : { CAREEN_HOST_ADDRESS: address }),
    CAREEN_HOST_FACTS: JSON.stringify(facts),
  };
}

/** Ties a Job to its owner: it is deleted with it. */
export function ownerReference({ kind, name, uid }: OwnerRef): V1OwnerReference {
  return { apiVersion: API_VERSION, kind, name, uid, controller: true };
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

/**
 * Reads a Job of ours; undefined for any other. `known`: what this Job was known to be, because somebody may have changed
 * its marks.
 */
export function jobState(job: V1Job, known?: JobIdentity): JobState | undefined {
  const { metadata, spec, status } = job;
  const identity = known && known.uid === metadata?.uid ? known : identityOf(metadata);
  if (!identity) return undefined;
  const { uid, key, ownerKind, ownerUid, mayHaveTtl } = identity;
  const condition = (type: string): V1JobCondition | undefined =>
    status?.conditions?.find((each) => each.type === type && each.status === 'True');
  const failed = condition('Failed');
  const isDone = condition('Complete') !== undefined;
  const open = spec?.suspend === true ? 'suspended' : 'running';
  const wasStarted = open === 'running' || metadata?.annotations?.[STARTED_ANNOTATION] !== undefined;
  const deleted = failed || isDone ? undefined : deletedBecause(job, wasStarted);
  const hasEnded = failed !== undefined || isDone || deleted !== undefined;
  const altered = hasEnded ? undefined : alterationOf(job, identity);
  return {
    ...{ uid, key, ownerKind, ownerUid, run: runOfKey(key), host: hostOfKey(key) },
    ...(mayHaveTtl ? { mayHaveTtl } : {}),
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    revision: metadata?.resourceVersion ?? '',
    state: failed || deleted !== undefined ? 'failed' : isDone ? 'succeeded' : open,
    wasStarted,
    ...(deleted !== undefined && open === 'suspended' ? { wasSuspended: true } : {}),
    hadNoPod: status?.startTime !== undefined && countedPods(status) === 0,
    isHeld: condition('Suspended') !== undefined,
    isLabelled: metadata?.labels?.[JOB_LABEL] === metadata?.name,
    ...(hasEnded || wasStarted ? {} : { start: startOf(metadata) }),
    failedBecause: deleted ?? [failed?.reason, failed?.message].filter(Boolean).join(': '),
    ...(altered === undefined ? {} : { altered }),
  };
}

/**
 * The identity of a Job of ours: its controller is an object of our group, and its name is that of its effect. Undefined
 * for the Job of a stranger, whatever its labels and annotations say.
 */
function identityOf(metadata: V1ObjectMeta | undefined): JobIdentity | undefined {
  const key = metadata?.annotations?.[EFFECT_ANNOTATION];
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  if (key === undefined || owner?.apiVersion !== API_VERSION) return undefined;
  if (metadata?.name !== jobName({ key, action: subjectOfKey(key) })) return undefined;
  return { uid: metadata.uid ?? '', key, ownerKind: owner.kind, ownerUid: owner.uid };
}

function startOf(metadata: V1ObjectMeta = {}): NonNullable<JobState['start']> {
  const guard: StartGuard = Object.fromEntries(
    GUARDED.flatMap((field) => (metadata[field] === undefined ? [] : [[field, metadata[field]]])),
  );
  return { guard, revision: createHash('sha256').update(JSON.stringify(guard)).digest('hex').slice(0, 16) };
}

/** Whether the Job belongs to this owner, and can: an owner and its Jobs have one namespace. */
export function isJobOf(
  { namespace, ownerKind, ownerUid }: Pick<JobState, 'namespace' | 'ownerKind' | 'ownerUid'>,
  owner: OwnerRef,
): boolean {
  return namespace === owner.namespace && ownerKind === owner.kind && ownerUid === owner.uid;
}

/** Whether nothing of the Job runs any more, or will. */
export function hasEnded({ state }: Pick<JobState, 'state'>): boolean {
  return state === 'succeeded' || state === 'failed';
}

/**
 * Why a deleted Job that a finalizer of others keeps will not end by itself: its controller makes no pod any more, and
 * none is left. While a pod of it remains, it counts as running.
 */
function deletedBecause({ metadata, status }: V1Job, wasStarted: boolean): string | undefined {
  if (metadata?.deletionTimestamp === undefined) return undefined;
  if (!wasStarted) return 'it was deleted before it was started';
  const pods = (status?.active ?? 0) + (status?.terminating ?? 0);
  return pods > 0 ? undefined : 'it was deleted while it ran';
}

function countedPods({ active, failed, succeeded, uncountedTerminatedPods: ended }: V1JobStatus): number {
  const uncounted = (ended?.failed?.length ?? 0) + (ended?.succeeded?.length ?? 0);
  return (active ?? 0) + (failed ?? 0) + (succeeded ?? 0) + uncounted;
}
