import type { IdleJob } from '../../hostops/port.ts';
import { currentStage } from '../../engine/run-state.ts';
import { ownerOf } from '../../resources/stored-strategy.ts';
import { earliest, type ReconcileResult } from '../runtime/reconcile-result.ts';
import { performEffects, type EffectDeps } from './perform-effects.ts';
import { fenceOf, type StrategyPass } from './strategy-pass.ts';

/**
 * Removes Jobs of the strategy that nobody needs. Suspended ones that will never start: Jobs of an earlier run or of a
 * released host, and Jobs that a deposed operator created late. And those that have succeeded, once their stage is over,
 * so that they fill no quota; until then a `resume` may find them. While a Job is refused for now, those whose success is
 * recorded make room for it. Those of a lost run stay while it has the claim of their
 * host: they show that work on it had begun. Failed ones stay, for people to read.
 */
export async function sweepJobs(
  deps: EffectDeps,
  pass: StrategyPass,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { strategy, stored, attachment } = pass;
  const view = attachment.view();
  const makeRoom = attachment.outcomes.isBlocked('create-job');
  const isRecorded = ({ host, uid }: IdleJob): boolean =>
    stored?.run.hosts.some(
      ({ name, jobs = [] }) =>
        name === host && jobs.some((job) => job.uid === uid && job.result === 'succeeded'),
    ) === true;
  const isWanted = (job: IdleJob): boolean => {
    const { run, host, state } = job;
    if (state === 'succeeded' && makeRoom && isRecorded(job)) return false;
    if (state === 'succeeded' && view.host(host)?.claim?.run === run) return true;
    if (!stored || run !== stored.run.id) return false;
    const { hosts, apply } = stored.run;
    const inStage = state === 'succeeded' && currentStage(apply)?.hosts?.includes(host);
    return inStage === true || hosts.some((outage) => outage.name === host);
  };
  const results: ReconcileResult[] = [];
  for (const job of deps.hosts.idleJobs(ownerOf(strategy)).filter((each) => !isWanted(each))) {
    const { host, run, name, uid: jobUid, revision } = job;
    const key = [run, 'sweep', host, jobUid, revision].join('/');
    const outcome = attachment.outcomes.all.get(key);
    // In flight or refused: the watch reports the deletion, or a later change of the Job.
    if (outcome && outcome.kind !== 'blocked') continue;
    if (outcome?.retryAt !== undefined && outcome.retryAt > deps.clock()) {
      results.push({ requeueAt: outcome.retryAt });
      continue;
    }
    const effect = { kind: 'delete-job', key, host, name, uid: jobUid, revision } as const;
    results.push(await performEffects(deps, pass, [effect], fenceOf(pass, run), signal));
  }
  return earliest(...results);
}
