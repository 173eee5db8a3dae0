import type { SuspendedJob } from '../../hostops/port.ts';
import { ownerOf } from '../../resources/stored-strategy.ts';
import { earliest, type ReconcileResult } from '../runtime/reconcile-result.ts';
import { performEffects, type EffectDeps } from './perform-effects.ts';
import { fenceOf, type StrategyPass } from './strategy-pass.ts';

/**
 * Removes Jobs of the strategy that exist but will never start: Jobs of an earlier run or of a released host, and Jobs
 * that a deposed operator created late. They are suspended, so no work is lost.
 */
export async function sweepJobs(
  deps: EffectDeps,
  pass: StrategyPass,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { strategy, stored, attachment } = pass;
  const isWanted = ({ run, host }: SuspendedJob): boolean =>
    run === stored?.run.id && stored.run.hosts.some((outage) => outage.name === host);
  const results: ReconcileResult[] = [];
  for (const job of deps.hosts.suspendedJobs(ownerOf(strategy)).filter((each) => !isWanted(each))) {
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
