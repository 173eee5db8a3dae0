/** The Jobs that an outage records, and what is observed of them. */
import type { HostJob, HostProgress } from '../../crds/observed/host-progress.ts';
import type { OwnerRef } from '../../crds/owner-ref.ts';
import { effectKey, type Effect } from '../effect.ts';
import type { EffectFacts, View } from '../view.ts';

/** The stage that made the Jobs, and what is observed. */
export type JobsOf = {
  readonly run: string;
  readonly owner: OwnerRef;
  readonly planStage: number;
  readonly view: View;
};

/** A recorded Job; undefined when it is gone. */
export function findJob({ owner, view }: JobsOf, { uid }: HostJob): EffectFacts | undefined {
  return view.job(uid, owner);
}

/**
 * The name of a Job that still works on the host of an outage. A Job with the name of a recorded one, and with another
 * uid, is a stranger's.
 */
export function jobAtWork(
  view: View,
  owner: OwnerRef,
  { name: host, jobs = [] }: Pick<HostProgress, 'name' | 'jobs'>,
): string | undefined {
  const atWork = view.jobsOn(host, owner);
  return atWork.find((job) => jobs.every(({ name, uid }) => name !== job.name || uid === job.uid))?.name;
}

/**
 * Whether a container of a Job may have started, as far as is known. A withdrawn Job had not started when the run decided
 * to withdraw it, and whoever suspends or deletes it on that decision names its revision.
 */
export function mayHaveStarted(found: EffectFacts | undefined, { withdrawn }: HostJob): boolean {
  if (withdrawn && (!found || found.state === 'suspended' || found.wasSuspended))
    return found?.containerStarted === true;
  return found?.containerStarted !== false;
}

/** Whether a Job or a person may have changed the host in this outage, or did so before the stage was restarted. */
export function mayHaveChanged(jobsOf: JobsOf, outage: HostProgress): boolean {
  const mayHaveRun = (job: HostJob): boolean =>
    job.result === undefined ? mayHaveStarted(findJob(jobsOf, job), job) : job.result !== 'not-started';
  const wasAsked = (outage.manual ?? []).length > 0;
  return outage.failedBefore === true || wasAsked || outage.jobs?.some(mayHaveRun) === true;
}

/** The Jobs of an outage whose result is not known. */
export function openJobs({ jobs = [] }: HostProgress): readonly HostJob[] {
  return jobs.filter(({ result }) => result === undefined);
}

export type Withdrawal = {
  readonly effect: Extract<Effect, { kind: 'withdraw-job' | 'delete-job' }>;
  readonly reason: string;
  /** Stored before the effect: afterwards nobody could tell that the Job had not started. */
  readonly progress: Partial<HostProgress>;
};

/**
 * The next act that keeps a Job of which no container has started from starting on a released host: a started one is
 * suspended, a suspended one is deleted. A start that is still in flight is refused after that. It names the revision, so
 * it is refused itself when the start came first.
 */
export function withdrawalOf(jobsOf: JobsOf, outage: HostProgress): Withdrawal | undefined {
  const { name: host, attempt } = outage;
  for (const job of openJobs(outage)) {
    const found = findJob(jobsOf, job);
    if (!found || mayHaveStarted(found, job)) continue;
    const { state, name, uid, revision } = found;
    const atWork = jobsOf.view.jobsOn(host, jobsOf.owner).some((each) => each.uid === uid);
    if (state !== 'running' && (state !== 'suspended' || atWork)) continue;
    const kind = state === 'running' ? 'withdraw-job' : 'delete-job';
    const key = effectKey(jobsOf.run, jobsOf.planStage, 'unlock-hosts', host, `${kind}-${uid}`, attempt);
    const jobs = outage.jobs?.map((each) => (each === job ? { ...each, withdrawn: true as const } : each));
    return {
      effect: { kind, key, host, name, uid, revision },
      reason: `withdrawing Job ${name}, which has not started on ${host}`,
      progress: jobs ? { jobs } : {},
    };
  }
  return undefined;
}
