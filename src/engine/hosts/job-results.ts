/**
 * The results of the Jobs of an outage. A result is recorded in the run when it is first seen, before any effect that
 * rests on it: nobody reads the Job again, so it may be deleted afterwards. The result of a Job that was deleted before
 * it was seen stays unknown.
 */
import type { HostJob } from '../../crds/observed/host-progress.ts';
import { statusText } from '../../crds/text/status-text.ts';
import type { Pass } from '../pass.ts';
import { findJob, mayHaveStarted, type JobsOf } from '../steps/outage-jobs.ts';
import type { EffectFacts } from '../view.ts';

/** Records the results of the Jobs of all open outages. */
export function recordJobResults(pass: Pass): void {
  const { run } = pass;
  const jobsOf = jobsOfPass(pass);
  run.hosts = run.hosts.map((outage) => {
    if (!outage.jobs?.some(({ result }) => result === undefined)) return outage;
    const jobs = outage.jobs.map((job) =>
      job.result === undefined ? { ...job, ...resultOf(findJob(jobsOf, job), job) } : job,
    );
    return { ...outage, jobs };
  });
}

export function jobsOfPass({ run, turn }: Pass): JobsOf {
  return { run: run.id, owner: turn.owner, planStage: run.apply.currentStage, view: turn.view };
}

function resultOf(found: EffectFacts | undefined, job: HostJob): Pick<HostJob, 'result' | 'reason'> {
  switch (found?.state) {
    case 'succeeded':
      return { result: 'succeeded' };
    case 'failed': {
      const result = mayHaveStarted(found, job) ? 'failed' : 'not-started';
      return { result, reason: statusText(found.failure ?? 'no reason is known') };
    }
    case 'suspended':
      // Its work was cut short, by us or by others, and is not begun again.
      return found.containerStarted ? { result: 'failed', reason: 'it was suspended while it ran' } : {};
    case 'running':
      return {};
    default:
      return job.withdrawn ? { result: 'not-started', reason: 'it was withdrawn' } : {};
  }
}
