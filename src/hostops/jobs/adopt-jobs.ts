import type { V1Job } from '@kubernetes/client-node';
import { EPOCH_ANNOTATION, RUN_LABEL } from '../../crds/names.ts';
import { call, rawList } from '../../kube/client.ts';
import { httpStatus } from '../../kube/errors.ts';
import { allEnded, mergePatch, retryOnConflict, type Writer } from '../../kube/writes.ts';
import type { Fence } from '../port.ts';
import { hasEnded, isJobOf, jobState, type JobState } from './job.ts';
import { identityOf, mendJob, type MendJob } from './mend-job.ts';

/** A Job that was stamped, and what it is to us: a policy may have removed its marks again. */
export type AdoptedJob = { readonly job: V1Job; readonly known: JobState };

/**
 * Stamps the epoch on the Jobs of a run that have not ended. Their new revision fails every earlier precondition. A
 * recorded Job that lost the label of its run gets it again first.
 */
export async function adoptJobs(
  writer: Writer,
  recorded: readonly MendJob[],
  fence: Fence,
  signal: AbortSignal,
): Promise<readonly AdoptedJob[]> {
  const { owner, run, epoch } = fence;
  const { namespace } = owner;
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const selection = { labelSelector: `${RUN_LABEL}=${run}` };
  const labelled = await rawList<V1Job>(writer.config, path, selection, signal).catch((error: unknown) => {
    // The right is gone, perhaps with the namespace. An earlier leader could not write there either.
    if (httpStatus(error) === 403) return undefined;
    throw error;
  });
  if (!labelled) return [];
  const ours = labelled.flatMap((job) => jobState(job) ?? []).filter((job) => isJobOf(job, owner));
  const lost = recorded.filter(({ uid }) => !ours.some((job) => job.uid === uid));
  const found = await allEnded(lost.map((each) => findAgain(writer, each, fence, signal)));
  const open = [...ours, ...found.flatMap((job) => job ?? [])].filter((job) => !hasEnded(job));
  const stamped = open.map(async (known) => {
    const of = `${path}/${known.name}`;
    const job = await retryOnConflict(`Job ${namespace}/${known.name}`, async () => {
      const { metadata } = await call<V1Job>(writer.config, { method: 'GET', path: of }, signal);
      if (metadata?.uid !== known.uid) return undefined;
      const guard = { uid: known.uid, resourceVersion: metadata.resourceVersion };
      const patch = { metadata: { ...guard, annotations: { [EPOCH_ANNOTATION]: String(epoch) } } };
      return mergePatch<V1Job>(writer, of, patch, signal);
    });
    return job && { job, known };
  });
  return (await allEnded(stamped)).filter((each) => each !== undefined);
}

/** The recorded Job with its marks, or undefined when it does not exist any more or cannot be mended. */
async function findAgain(
  writer: Writer,
  effect: MendJob,
  fence: Fence,
  signal: AbortSignal,
): Promise<JobState | undefined> {
  const { outcome, object } = await mendJob(writer, effect, fence, signal);
  const isAnswered = ['accepted', 'already', 'refused'].includes(outcome.kind);
  if (!isAnswered) throw new Error(`Job ${effect.name} on ${effect.host} could not be read at the take-over`);
  return object && jobState(object, identityOf(object, effect, fence));
}
