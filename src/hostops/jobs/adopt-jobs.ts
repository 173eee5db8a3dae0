import type { V1Job } from '@kubernetes/client-node';
import { EPOCH_ANNOTATION, RUN_LABEL } from '../../crds/names.ts';
import { call, rawList } from '../../kube/client.ts';
import { httpStatus } from '../../kube/errors.ts';
import { allEnded, mergePatch, retryOnConflict, type Writer } from '../../kube/writes.ts';
import type { Fence } from '../port.ts';
import { mendJob, type MendJob } from './mend-job.ts';
import { jobState, type JobState } from './job.ts';

/**
 * Stamps the epoch on the Jobs of a run that have not ended. Their new revision fails every earlier precondition. A
 * recorded Job that lost the label of its run gets it again first.
 */
export async function adoptJobs(
  writer: Writer,
  recorded: readonly MendJob[],
  fence: Fence,
  signal: AbortSignal,
): Promise<readonly V1Job[]> {
  const { owner, run, epoch } = fence;
  const { namespace, uid } = owner;
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const selection = { labelSelector: `${RUN_LABEL}=${run}` };
  const labelled = await rawList<V1Job>(writer.config, path, selection, signal).catch((error: unknown) => {
    // The right is gone, perhaps with the namespace. An earlier leader could not write there either.
    if (httpStatus(error) === 403) return undefined;
    throw error;
  });
  if (!labelled) return [];
  const known = labelled.flatMap((job) => jobState(job) ?? []);
  const lost = recorded.filter(({ name }) => !known.some((job) => job.name === name));
  const found = await allEnded(lost.map((each) => findAgain(writer, each, fence, signal)));
  // A Job without an owner lost the reference; mending it is a matter of its step.
  const isOpen = ({ state, ownerUid }: JobState): boolean =>
    (state === 'suspended' || state === 'running') && (ownerUid === uid || ownerUid === '');
  const open = [...known, ...found.flatMap((job) => job ?? [])].filter(isOpen);
  const stamped = open.map(async ({ name }) => {
    const of = `${path}/${name}`;
    return retryOnConflict(`Job ${namespace}/${name}`, async () => {
      const { metadata } = await call<V1Job>(writer.config, { method: 'GET', path: of }, signal);
      const guard = { uid: metadata?.uid, resourceVersion: metadata?.resourceVersion };
      const patch = { metadata: { ...guard, annotations: { [EPOCH_ANNOTATION]: String(epoch) } } };
      return mergePatch<V1Job>(writer, of, patch, signal);
    });
  });
  return (await allEnded(stamped)).filter((job) => job !== undefined);
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
  return object && jobState(object);
}
