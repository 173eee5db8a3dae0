/** The Jobs that an outage records, and what is observed of them. */
import type { HostJob, HostProgress } from '../../crds/patch-strategy-status.ts';
import type { StepName } from '../../crds/vocabulary.ts';
import { effectKey } from '../effect.ts';
import type { EffectFacts, View } from '../view.ts';

/** The stage that made the Jobs, and what is observed. */
export type JobsOf = {
  readonly run: string;
  readonly planStage: number;
  /** The steps of that stage. */
  readonly steps: readonly { readonly name: StepName }[];
  readonly view: View;
};

/** The Job that an outage records; undefined when it is gone. */
export function findJob(
  { run, planStage, steps, view }: JobsOf,
  { name, attempt }: HostProgress,
  { action, uid }: HostJob,
): EffectFacts | undefined {
  const found = steps.map((step) => view.effect(effectKey(run, planStage, step.name, name, action, attempt)));
  return found.find((job) => job?.uid === uid);
}

/** Whether a Job may have changed the host in this outage, or did so before the stage was restarted. */
export function mayHaveChanged(jobsOf: JobsOf, outage: HostProgress): boolean {
  const mayHaveRun = (job: HostJob): boolean =>
    job.result === undefined
      ? findJob(jobsOf, outage, job)?.containerStarted !== false
      : job.result !== 'not-started';
  return outage.failedBefore === true || outage.jobs?.some(mayHaveRun) === true;
}
