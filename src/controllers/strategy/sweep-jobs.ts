import type { Effect } from '../../engine/effect.ts';
import { currentStage } from '../../engine/run/run-state.ts';
import type { IdleJob } from '../../hostops/port.ts';
import { ownerOf } from '../../resources/stored-strategy.ts';
import { earliest, type ReconcileResult } from '../runtime/reconcile-result.ts';
import { confirmedEffects, type EffectDeps } from './perform-effects.ts';
import { fenceOf, type StrategyPass } from './strategy-pass.ts';

type Removal = { readonly run: string; readonly effect: Effect };

/** The removals of one pass. The next pass waits for them. */
const REMOVED_AT_ONCE = 32;

/**
 * Removes Jobs of the strategy that nobody needs. Suspended ones that will never start: Jobs of an earlier run or of a
 * released host, and Jobs that a deposed operator created late. And those that have succeeded, once their stage is over,
 * so that they fill no quota; until then a `resume` may find them. While a Job is refused for now, those whose success is
 * recorded make room for it. Those of a lost run stay while it has the claim of their
 * host: they show that work on it had begun. Failed ones stay, for people to read.
 *
 * Resolves when the strategy is known to be unchanged. `ended` is the end of the removals: an API server takes a second
 * for those of a stage, and the next stage need not wait for them. Only what is to make room is removed by then.
 */
export async function sweepJobs(
  deps: EffectDeps,
  pass: StrategyPass,
  signal: AbortSignal,
): Promise<{ readonly ended: Promise<ReconcileResult> }> {
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
  const due: Removal[] = [];
  for (const job of deps.hosts.idleJobs(ownerOf(strategy)).filter((each) => !isWanted(each))) {
    const { host, run, name, uid: jobUid, revision } = job;
    const key = [run, 'sweep', host, jobUid, revision].join('/');
    const outcome = attachment.outcomes.all.get(key);
    // In flight or refused: the watch reports the deletion, or a later change of the Job.
    if (outcome && outcome.kind !== 'blocked') continue;
    if (outcome?.retryAt !== undefined && outcome.retryAt > deps.clock())
      results.push({ requeueAt: outcome.retryAt });
    else due.push({ run, effect: { kind: 'delete-job', key, host, name, uid: jobUid, revision } });
  }
  if (due.length > REMOVED_AT_ONCE) results.push({ requeueAt: deps.clock() });
  if (due.length > 0) await deps.api.confirmStrategy(strategy, pass.begunAt);
  const remove = async (): Promise<ReconcileResult> => {
    for (const [run, removals] of Map.groupBy(due.slice(0, REMOVED_AT_ONCE), (each) => each.run)) {
      const effects = removals.map(({ effect }) => effect);
      results.push(await confirmedEffects(deps, pass, effects, fenceOf(pass, run), signal));
    }
    return earliest(...results);
  };
  const ended = remove();
  if (makeRoom) await ended;
  return { ended };
}
