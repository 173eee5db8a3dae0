/** Makes a Job again what it was when it was made, where that can be done: after somebody changed it. */
import type { V1Job, V1OwnerReference } from '@kubernetes/client-node';
import {
  ACTION_LABEL,
  EFFECT_ANNOTATION,
  HOST_ANNOTATION,
  RUN_LABEL,
  STARTED_ANNOTATION,
} from '../../crds/names.ts';
import { runOfKey, type Effect } from '../../engine/effect.ts';
import { call } from '../../kube/client.ts';
import { httpStatus } from '../../kube/errors.ts';
import { mergePatch, type Writer } from '../../kube/writes.ts';
import { ACCEPTED, ALREADY, outcomeOf, refused, STALE, type Written } from '../outcomes.ts';
import type { Fence } from '../port.ts';
import { alterationOf } from './job-alterations.ts';
import type { JobIdentity } from './job-identity.ts';
import { jobName, ownerReference } from './job.ts';

export type MendJob = Extract<Effect, { kind: 'mend-job' }>;

/**
 * Reads the Job, and writes back what somebody changed. `already`: there is no such Job any more. A change that does
 * not stay, or cannot be written, is a refusal that names it; a Job that failed under it is then stopped, so that
 * nobody starts its work again. Only a time to live may stay: the result is remembered without the Job.
 */
export async function mendJob(
  writer: Writer,
  effect: MendJob,
  fence: Fence,
  signal: AbortSignal,
): Promise<Written<V1Job>> {
  const { host, name, uid } = effect;
  const { namespace } = fence.owner;
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs/${name}`;
  const what = `restoring Job ${namespace}/${name} on ${host}`;
  try {
    const job = await call<V1Job>(writer.config, { method: 'GET', path }, signal);
    if (job.metadata?.uid !== uid) return { outcome: ALREADY };
    const made = identityOf(job, effect, fence);
    if (!made) return { outcome: refused(`${what}: its name does not fit its effect`) };
    if (alterationOf(job, made) === undefined) return { outcome: ACCEPTED, object: job };
    const patch = mendingPatch(job, made.key, effect, fence);
    const mended = await mergePatch<V1Job>(writer, path, patch, signal);
    const why = alterationOf(mended, made);
    const isEnough = alterationOf(mended, { ...made, mayHaveTtl: true }) === undefined;
    if (why === undefined || isEnough) return { outcome: ACCEPTED, object: mended };
    const stopped = hasFailed(mended) ? await stop(writer, path, mended, signal) : mended;
    return { outcome: refused(`${what}: ${why}, and is changed again`), object: stopped };
  } catch (error) {
    if (httpStatus(error) === 404) return { outcome: ALREADY };
    if (httpStatus(error) === 409) return { outcome: STALE };
    return { outcome: outcomeOf(error, what, writer.now()) };
  }
}

/**
 * What a Job is that the run of the fence has made. Its key is that of its annotation, or of the effect where that was
 * changed: the name has the digest of it.
 */
export function identityOf(
  { metadata }: V1Job,
  { name, uid, effect, action }: MendJob,
  { owner }: Fence,
): JobIdentity | undefined {
  const candidates = [metadata?.annotations?.[EFFECT_ANNOTATION], effect];
  const key = candidates.find((each) => each !== undefined && jobName({ key: each, action }) === name);
  return key === undefined ? undefined : { uid, key, ownerKind: owner.kind, ownerUid: owner.uid };
}

function mendingPatch(
  { metadata, spec }: V1Job,
  key: string,
  { host, action, timeoutSeconds }: MendJob,
  { owner }: Fence,
): object {
  const started = metadata?.annotations?.[STARTED_ANNOTATION] ?? String(timeoutSeconds);
  const running = spec?.suspend !== true;
  const annotations = { [HOST_ANNOTATION]: host, [EFFECT_ANNOTATION]: key };
  const others = (metadata?.ownerReferences ?? []).filter(({ uid }) => uid !== owner.uid);
  return {
    metadata: {
      ...{ uid: metadata?.uid, resourceVersion: metadata?.resourceVersion },
      labels: { [RUN_LABEL]: runOfKey(key), [ACTION_LABEL]: action },
      annotations: { ...annotations, ...(running ? { [STARTED_ANNOTATION]: started } : {}) },
      ownerReferences: [...others.map(withoutControl), ownerReference(owner)],
    },
    spec: {
      ...{ backoffLimit: 0, completions: 1, parallelism: 1, podFailurePolicy: null, successPolicy: null },
      ...{ backoffLimitPerIndex: null, ttlSecondsAfterFinished: null },
      ...(running ? { activeDeadlineSeconds: Number(started) } : {}),
    },
  };
}

/** An object has one controller. */
function withoutControl({ controller: _, ...reference }: V1OwnerReference): V1OwnerReference {
  return reference;
}

function hasFailed({ status }: V1Job): boolean {
  return (status?.failed ?? 0) > 0;
}

async function stop(writer: Writer, path: string, { metadata }: V1Job, signal: AbortSignal): Promise<V1Job> {
  const guard = { uid: metadata?.uid, resourceVersion: metadata?.resourceVersion };
  return mergePatch<V1Job>(writer, path, { metadata: guard, spec: { suspend: true } }, signal);
}
