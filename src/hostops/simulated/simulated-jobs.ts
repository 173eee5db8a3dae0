/** The facts of simulated Jobs. Pure. */
import type { OwnerRef } from '../../crds/owner-ref.ts';
import type { EffectFacts, JobAtWork } from '../../engine/view.ts';
import type { HostName } from '../../planner/facts.ts';
import type { SimulatedJob } from './simulated-world.ts';

export function runningByHost(jobs: Iterable<SimulatedJob>): ReadonlyMap<HostName, SimulatedJob[]> {
  return Map.groupBy(
    [...jobs].filter(({ state }) => state === 'running'),
    ({ host }) => host,
  );
}

export function jobsOf(owner: OwnerRef, jobs: readonly SimulatedJob[] = []): JobAtWork[] {
  return jobs.filter(({ ownerUid }) => ownerUid === owner.uid).map(({ name, uid }) => ({ name, uid }));
}

export function jobFacts({
  name,
  uid,
  revision,
  state,
  failure,
  altered,
  isUnseen,
  wasStarted,
  containerStarted,
}: SimulatedJob): EffectFacts {
  const isStuck = state === 'running' && !containerStarted;
  return {
    ...{ name, uid, revision: String(revision), state },
    // Kubernetes deletes the pod of a Job that is suspended again, so nobody knows whether a container had started.
    ...(state === 'suspended' && wasStarted && !containerStarted ? {} : { containerStarted }),
    ...(failure === undefined ? {} : { failure }),
    ...(altered === undefined ? {} : { altered }),
    ...(isUnseen === undefined ? {} : { isUnseen }),
    ...(isStuck ? { waitsFor: 'no pod of it was made' } : {}),
  };
}
