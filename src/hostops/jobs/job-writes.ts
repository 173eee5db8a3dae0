/** Makes, starts and deletes Jobs. */
import type { V1Job } from '@kubernetes/client-node';
import { STARTED_ANNOTATION } from '../../crds/names.ts';
import type { Effect, Outcome } from '../../engine/effect.ts';
import type { Fence } from '../port.ts';
import { isJobOf, jobManifest, jobName, jobState } from './job.ts';
import type { CreateJob, JobState, RemoteHost, StartGuard } from './job.ts';
import { call } from '../../kube/client.ts';
import { apiStatus, httpStatus } from '../../kube/errors.ts';
import { ACCEPTED, ALREADY, blocked, outcomeOf, refused, retryAt, STALE, type Written } from '../outcomes.ts';
import { refusalOf } from '../../kube/refusals.ts';
import { MANAGED, mergePatch, type Writer } from '../../kube/writes.ts';

/** Makes the Job of an effect. Its name has a digest of the effect, so an existing Job is from an earlier attempt. */
export async function createJob(
  writer: Writer,
  effect: CreateJob,
  fence: Fence,
  signal: AbortSignal,
  remote?: RemoteHost,
): Promise<Written<V1Job>> {
  const path = jobsPath(fence);
  const what = `making Job ${fence.owner.namespace}/${jobName(effect)} on ${effect.host}`;
  try {
    const body = jobManifest(effect, fence, remote);
    const object = await call<V1Job>(writer.config, { method: 'POST', path, query: MANAGED, body }, signal);
    return { outcome: ACCEPTED, object };
  } catch (error) {
    const now = writer.now();
    // A webhook chooses the code of its denial.
    if (refusalOf(error)) return { outcome: outcomeOf(error, what, now) };
    if (httpStatus(error) === 404) return { outcome: refused(`${what}: the namespace does not exist`) };
    if (httpStatus(error) !== 409) return { outcome: outcomeOf(error, what, now) };
    if (apiStatus(error).reason === 'AlreadyExists') return existing(writer, effect, fence, what, signal);
    // For example, a quota changed during the request: the same request may succeed later.
    return { outcome: blocked(`${what}: ${apiStatus(error).message ?? 'conflict'}`, retryAt(error, now)) };
  }
}

/**
 * Starts a suspended Job if nothing of it has changed but its status. The Job ends with its step: a Job that
 * starts late must not work on a host that was released meanwhile.
 */
export async function startJob(
  writer: Writer,
  { host, name, uid, revision, timeoutSeconds }: Extract<Effect, { kind: 'start-job' }>,
  fence: Fence,
  known: JobState | undefined,
  signal: AbortSignal,
): Promise<Written<V1Job>> {
  if (known?.uid === uid && known.state !== 'suspended') return { outcome: ALREADY };
  const start = known?.uid === uid ? known.start : undefined;
  if (start?.revision !== revision) return { outcome: STALE };
  const path = `${jobsPath(fence)}/${name}`;
  const body = startPatch(uid, start.guard, timeoutSeconds);
  try {
    const object = await call<V1Job>(writer.config, { method: 'PATCH', path, query: MANAGED, body }, signal);
    return { outcome: ACCEPTED, object };
  } catch (error) {
    if (isFailedTest(error)) return { outcome: STALE };
    return {
      outcome: outcomeOf(error, `starting Job ${fence.owner.namespace}/${name} on ${host}`, writer.now()),
    };
  }
}

/** A JSON patch (RFC 6902): a merge patch can name a revision only, and that changes with the status. */
function startPatch(uid: string, guard: StartGuard, timeoutSeconds: number): object[] {
  const tests = Object.entries({ uid, ...guard }).map(([field, value]) => ({
    ...{ op: 'test', path: `/metadata/${field}`, value },
  }));
  const annotations = { ...guard.annotations, [STARTED_ANNOTATION]: String(timeoutSeconds) };
  return [
    ...tests,
    { op: 'add', path: '/metadata/annotations', value: annotations },
    { op: 'add', path: '/spec/suspend', value: false },
    { op: 'add', path: '/spec/activeDeadlineSeconds', value: timeoutSeconds },
  ];
}

/** An object that is not valid is refused with the fields that are not; a webhook that denies it says so. */
function isFailedTest(error: unknown): boolean {
  const isInvalid = (apiStatus(error).details?.causes ?? []).length > 0;
  return httpStatus(error) === 422 && !isInvalid && refusalOf(error) === undefined;
}

/** Suspends a Job if it still has the observed revision. Its controller then deletes its pods and makes no more. */
export async function withdrawJob(
  writer: Writer,
  { host, name, uid, revision }: Extract<Effect, { kind: 'withdraw-job' }>,
  fence: Fence,
  signal: AbortSignal,
): Promise<Written<V1Job>> {
  const patch = { metadata: { uid, resourceVersion: revision }, spec: { suspend: true } };
  try {
    const object = await mergePatch<V1Job>(writer, `${jobsPath(fence)}/${name}`, patch, signal);
    return { outcome: ACCEPTED, object };
  } catch (error) {
    const what = `withdrawing Job ${fence.owner.namespace}/${name} from ${host}`;
    return { outcome: outcomeOf(error, what, writer.now()) };
  }
}

/** Deletes a Job, with its pods if any, if it still has the observed revision. */
export async function deleteJob(
  { config, now }: Writer,
  { host, name, uid, revision }: Extract<Effect, { kind: 'delete-job' }>,
  fence: Fence,
  signal: AbortSignal,
): Promise<Outcome> {
  const preconditions = { uid, resourceVersion: revision };
  const body = { propagationPolicy: 'Background', preconditions };
  try {
    await call(config, { method: 'DELETE', path: `${jobsPath(fence)}/${name}`, body }, signal);
    return ACCEPTED;
  } catch (error) {
    if (httpStatus(error) === 404) return ALREADY;
    return outcomeOf(error, `removing Job ${fence.owner.namespace}/${name} of ${host}`, now());
  }
}

async function existing(
  { config, now }: Writer,
  effect: CreateJob,
  fence: Fence,
  what: string,
  signal: AbortSignal,
): Promise<Written<V1Job>> {
  const path = `${jobsPath(fence)}/${jobName(effect)}`;
  try {
    const object = await call<V1Job>(config, { method: 'GET', path }, signal);
    const found = jobState(object);
    if (found?.key === effect.key && isJobOf(found, fence.owner)) return { outcome: ALREADY, object };
    return { outcome: refused(`${what}: ${strangersJob(object, fence)}`) };
  } catch (error) {
    if (httpStatus(error) === 404) return { outcome: STALE }; // deleted in between
    return { outcome: outcomeOf(error, what, now()) };
  }
}

function strangersJob({ metadata }: V1Job, { owner }: Fence): string {
  const { kind, name } = metadata?.ownerReferences?.find(({ controller }) => controller === true) ?? {};
  const whose = kind === undefined ? 'no controller' : `controller ${kind} ${name ?? ''}`;
  return (
    `a Job of that name with ${whose} exists, which this ${owner.kind} did not make: ` +
    `kubectl --namespace ${owner.namespace} delete job ${metadata?.name ?? ''}, then retry`
  );
}

function jobsPath({ owner }: Fence): string {
  return `/apis/batch/v1/namespaces/${owner.namespace}/jobs`;
}
