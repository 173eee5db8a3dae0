/** Takes a run over from the leader before, object by object, each read anew and written guarded. */
import type { V1Job, V1Node } from '@kubernetes/client-node';
import { EPOCH_ANNOTATION, RUN_LABEL } from '../../crds/names.ts';
import { mayArrive } from '../../engine/prior-state.ts';
import type { HostName } from '../../planner/facts.ts';
import type { Adoption, Fence } from '../port.ts';
import { jobState, type JobState } from '../jobs/job.ts';
import { call, rawList } from '../../kube/client.ts';
import { httpStatus } from '../../kube/errors.ts';
import { nodeState } from './node-facts.ts';
import { adoptPatch, claimPatch } from './node-patches.ts';
import { mergePatch, type Writer } from '../writes.ts';

/** Nodes are written often by others; each try reads anew. */
const TRIES = 8;

/** Writes the claim of a node again under another epoch, or makes it where it may be on its way. The node as it is then. */
export async function adoptNode(
  writer: Writer,
  host: HostName,
  { claim, makeIfMissing }: Adoption,
  signal: AbortSignal,
): Promise<V1Node | undefined> {
  const path = `/api/v1/nodes/${host}`;
  return retryOnConflict(`node ${host}`, async () => {
    const node = nodeState(await call<V1Node>(writer.config, { method: 'GET', path }, signal));
    const held = node.claim;
    if (held ? held.run !== claim.run : !makeIfMissing || !mayArrive(node, claim)) return undefined;
    const patch = held ? adoptPatch(node, { ...held, epoch: claim.epoch }) : claimPatch(node, claim);
    return mergePatch<V1Node>(writer, path, patch, signal);
  });
}

/** Stamps the Jobs of a run that have not ended with the epoch; they are others to every precondition of before. */
export async function adoptJobs(
  writer: Writer,
  { owner: { namespace, uid }, run, epoch }: Fence,
  signal: AbortSignal,
): Promise<readonly V1Job[]> {
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const selection = { labelSelector: `${RUN_LABEL}=${run}` };
  const jobs = await rawList<V1Job>(writer.config, path, selection, signal).catch((error: unknown) => {
    // The right has gone, with the namespace perhaps: a leader before could not write there either.
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

/**
 * Waits until all have ended, also when one has failed: one that went on by itself would read anew later, and make a
 * claim again that was given back meanwhile.
 */
export async function allEnded<T>(writes: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(writes);
  return Promise.all(writes);
}

/** Tries again on a conflict. Undefined when the object is gone, or not to be written. */
async function retryOnConflict<T>(what: string, write: () => Promise<T | undefined>): Promise<T | undefined> {
  for (let tried = 1; ; tried++) {
    try {
      return await write();
    } catch (error) {
      if (httpStatus(error) === 404) return undefined;
      if (httpStatus(error) !== 409) throw error;
      if (tried === TRIES) throw new Error(`${what} changes too often to be taken over`, { cause: error });
    }
  }
}
