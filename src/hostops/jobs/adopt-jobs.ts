import type { V1Job } from '@kubernetes/client-node';
import { EPOCH_ANNOTATION, RUN_LABEL } from '../../crds/names.ts';
import { call, rawList } from '../../kube/client.ts';
import { httpStatus } from '../../kube/errors.ts';
import { allEnded, mergePatch, retryOnConflict, type Writer } from '../../kube/writes.ts';
import type { Fence } from '../port.ts';
import { jobState, type JobState } from './job.ts';

/** Stamps the epoch on the Jobs of a run that have not ended. Their new revision fails every earlier precondition. */
export async function adoptJobs(
  writer: Writer,
  { owner: { namespace, uid }, run, epoch }: Fence,
  signal: AbortSignal,
): Promise<readonly V1Job[]> {
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const selection = { labelSelector: `${RUN_LABEL}=${run}` };
  const jobs = await rawList<V1Job>(writer.config, path, selection, signal).catch((error: unknown) => {
    // The right is gone, perhaps with the namespace. An earlier leader could not write there either.
    if (httpStatus(error) === 403) return [];
    throw error;
  });
  const isOpen = ({ state, ownerUid }: JobState): boolean =>
    (state === 'suspended' || state === 'running') && ownerUid === uid;
  const open = jobs.flatMap((job) => jobState(job) ?? []).filter(isOpen);
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
