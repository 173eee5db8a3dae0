/** The Jobs that an outage records, and what is observed of them. */
import type { HostJob, HostProgress } from '../../crds/patch-strategy-status.ts';
import type { OwnerRef } from '../../crds/owner-ref.ts';
import type { StepName } from '../../crds/vocabulary.ts';
import { effectKey } from '../effect.ts';
import type { EffectFacts, View } from '../view.ts';

/** The stage that made the Jobs, and what is observed. */
export type JobsOf = {
  readonly run: string;
  readonly owner: OwnerRef;
  readonly planStage: number;
  /** The steps of that stage. */
  readonly steps: readonly { readonly name: StepName }[];
  readonly view: View;
};

/** The Job that an outage records; undefined when it is gone. */
export function findJob(
  { run, owner, planStage, steps, view }: JobsOf,
  { name, attempt }: HostProgress,
  { action, uid }: HostJob,
): EffectFacts | undefined {
  const found = steps.map((step) =>
    view.effect(effectKey(run, planStage, step.name, name, action, attempt), owner),
  );
  return found.find((job) => job?.uid === uid);
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

/** Whether a Job may have changed the host in this outage, or did so before the stage was restarted. */
export function mayHaveChanged(jobsOf: JobsOf, outage: HostProgress): boolean {
  const mayHaveRun = (job: HostJob): boolean =>
    job.result === undefined
      ? findJob(jobsOf, outage, job)?.containerStarted !== false
      : job.result !== 'not-started';
  return outage.failedBefore === true || outage.jobs?.some(mayHaveRun) === true;
}
