/**
 * The Jobs of an outage. The result of a Job is recorded in the run when it is first seen, before any effect that rests
 * on it: nobody reads the Job again, so it may be deleted afterwards. The result of a Job that was deleted before it was
 * seen stays unknown.
 */
import type { HostJob, HostProgress } from '../crds/patch-strategy-status.ts';
import { truncate } from '../crds/truncate.ts';
import type { StepName } from '../crds/vocabulary.ts';
import { effectKey } from './effect.ts';
import type { Pass } from './pass.ts';
import type { EffectFacts, View } from './view.ts';

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

/** Records the results of the Jobs of all open outages. */
export function recordJobResults(pass: Pass): void {
  const { run } = pass;
  const jobsOf = jobsOfPass(pass);
  run.hosts = run.hosts.map((outage) => {
    if (!outage.jobs?.some(({ result }) => result === undefined)) return outage;
    const jobs = outage.jobs.map((job) =>
      job.result === undefined ? { ...job, ...resultOf(findJob(jobsOf, outage, job)) } : job,
    );
    return { ...outage, jobs };
  });
}

export function jobsOfPass({ run, plan, turn }: Pass): JobsOf {
  const planStage = run.apply.currentStage;
  return { run: run.id, planStage, steps: plan.stages[planStage]?.steps ?? [], view: turn.view };
}

function resultOf(found: EffectFacts | undefined): Pick<HostJob, 'result' | 'reason'> {
  switch (found?.state) {
    case 'succeeded':
      return { result: 'succeeded' };
    case 'failed': {
      const result = found.containerStarted === false ? 'not-started' : 'failed';
      return { result, reason: truncate(found.failure ?? 'no reason is known') };
    }
    case 'suspended':
      // Whoever suspended it: its work was cut short, and is not begun again.
      return found.containerStarted ? { result: 'failed', reason: 'it was suspended while it ran' } : {};
    default:
      return {};
  }
}

/** Whether a Job may have changed the host in this outage, or did so before the stage was restarted. */
export function mayHaveChanged(jobsOf: JobsOf, outage: HostProgress): boolean {
  const mayHaveRun = (job: HostJob): boolean =>
    job.result === undefined
      ? findJob(jobsOf, outage, job)?.containerStarted !== false
      : job.result !== 'not-started';
  return outage.failedBefore === true || outage.jobs?.some(mayHaveRun) === true;
}
