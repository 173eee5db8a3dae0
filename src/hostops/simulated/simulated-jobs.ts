/** The facts of simulated Jobs. Pure. */
import type { OwnerRef } from '../../crds/owner-ref.ts';
import type { EffectFacts, JobAtWork } from '../../engine/view.ts';
import type { SimulatedJob } from './simulated-objects.ts';

/** The Jobs of this owner, among those of a host, that work on it. */
export function atWorkFor(owner: OwnerRef, jobs: readonly SimulatedJob[]): JobAtWork[] {
  return jobs
    .filter(({ ownerUid, state }) => ownerUid === owner.uid && state === 'running')
    .map(({ name, uid }) => ({ name, uid }));
}

export function jobFacts({
  name,
  uid,
  revision,
  state,
  failure,
  altered,
  wasSuspended,
  wasStarted,
  containerStarted,
}: SimulatedJob): EffectFacts {
  const isStuck = state === 'running' && !containerStarted;
  return {
    ...{ name, uid, revision: String(revision), state },
    // Kubernetes deletes the pod of a Job that is suspended again, so nobody knows whether a container had started.
    ...((wasSuspended || (state === 'suspended' && wasStarted)) && !containerStarted
      ? {}
      : { containerStarted }),
    ...(wasSuspended ? { wasSuspended } : {}),
    ...(failure === undefined ? {} : { failure }),
    ...(altered === undefined ? {} : { altered }),
    ...(isStuck ? { waitsFor: 'no pod of it was made' } : {}),
  };
}
