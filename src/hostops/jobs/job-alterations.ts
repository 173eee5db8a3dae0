/**
 * Compares a Job with the one that Careen made, as far as a guarantee rests on it: that its work runs once, on its
 * host, for its run, until its deadline, and that its result is seen. Pure. Other tools may add to a Job: labels, images of a mirror, side-cars.
 */
import type { V1Job, V1OwnerReference } from '@kubernetes/client-node';
import {
  API_VERSION,
  CLOUD_ANNOTATION,
  EFFECT_ANNOTATION,
  HOST_ANNOTATION,
  RUN_LABEL,
  STARTED_ANNOTATION,
} from '../../crds/names.ts';
import { hostOfKey, runOfKey } from '../../engine/effect.ts';
import type { JobIdentity } from './job-identity.ts';

type Value = string | number | boolean | undefined;
type Field = { readonly path: string; readonly is: Value; readonly should: Value };

/** What a Job has to be. */
type Made = Omit<JobIdentity, 'uid'>;

/** What somebody changed in the Job of an effect, in words; undefined when it is as it was made. */
export function alterationOf(job: V1Job, made: Made): string | undefined {
  const changed = [...fieldsOf(job, made), ...ttlOf(job, made), ...deadlineOf(job)].filter(
    ({ is, should }) => is !== should,
  );
  if (changed.length === 0) return undefined;
  const failed = (job.status?.failed ?? 0) > 0 ? ['a pod of it has failed'] : [];
  return [...changed.map(inWords), ...failed].join('; ');
}

function fieldsOf({ metadata, spec }: V1Job, { key, ownerKind, ownerUid }: Made): Field[] {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  // A template does not change once its Job is made.
  const isRemote = spec?.template.metadata?.annotations?.[CLOUD_ANNOTATION] !== undefined;
  const field = (path: string, is: Value, should: Value): Field => ({ path, is, should });
  return [
    field('spec.backoffLimit', spec?.backoffLimit, 0),
    field('spec.completions', spec?.completions, 1),
    field('spec.parallelism', spec?.parallelism, 1),
    field('spec.completionMode', spec?.completionMode ?? 'NonIndexed', 'NonIndexed'),
    field('spec.podFailurePolicy', spec?.podFailurePolicy && 'set', undefined),
    field('spec.successPolicy', spec?.successPolicy && 'set', undefined),
    field('spec.backoffLimitPerIndex', spec?.backoffLimitPerIndex, undefined),
    field('spec.managedBy', spec?.managedBy ?? JOB_CONTROLLER, JOB_CONTROLLER),
    field(
      'spec.template.spec.nodeName',
      spec?.template.spec?.nodeName,
      isRemote ? undefined : hostOfKey(key),
    ),
    field('spec.template.spec.restartPolicy', spec?.template.spec?.restartPolicy, 'Never'),
    field(`metadata.labels[${RUN_LABEL}]`, metadata?.labels?.[RUN_LABEL], runOfKey(key)),
    field(
      `metadata.annotations[${HOST_ANNOTATION}]`,
      metadata?.annotations?.[HOST_ANNOTATION],
      hostOfKey(key),
    ),
    field(`metadata.annotations[${EFFECT_ANNOTATION}]`, metadata?.annotations?.[EFFECT_ANNOTATION], key),
    field(
      'the controller in metadata.ownerReferences',
      owner && controllerText(owner),
      controllerText({ apiVersion: API_VERSION, kind: ownerKind, uid: ownerUid }),
    ),
  ];
}

function controllerText({
  apiVersion,
  kind,
  uid,
}: Pick<V1OwnerReference, 'apiVersion' | 'kind' | 'uid'>): string {
  return `${apiVersion} ${kind} ${uid}`;
}

const JOB_CONTROLLER = 'kubernetes.io/job-controller';

function ttlOf({ spec }: V1Job, { mayHaveTtl }: Made): Field[] {
  const is = spec?.ttlSecondsAfterFinished;
  return mayHaveTtl ? [] : [{ path: 'spec.ttlSecondsAfterFinished', is, should: undefined }];
}

/** A Job that was started has the deadline of its start. One that somebody else started has no record of it. */
function deadlineOf({ metadata, spec }: V1Job): Field[] {
  if (spec?.suspend === true) return [];
  const started = metadata?.annotations?.[STARTED_ANNOTATION];
  if (started === undefined)
    return [{ path: 'spec.suspend', is: false, should: 'true until Careen starts it' }];
  return [{ path: 'spec.activeDeadlineSeconds', is: spec?.activeDeadlineSeconds, should: Number(started) }];
}

function inWords({ path, is, should }: Field): string {
  const text = (value: Value): string => (value === undefined ? 'not set' : String(value));
  return `${path} is ${text(is)}, must be ${text(should)}`;
}
