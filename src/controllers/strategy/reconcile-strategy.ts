/**
 * One pass over one strategy: read, decide, store the decision, and only then
 * act. A pass depends only on what it reads: another process may make the next
 * pass, at any time, even after a crash between any two lines of this one.
 */
import { allEnded } from '../../kube/writes.ts';
import { orderOf } from '../../status/order.ts';
import { Attachments } from '../runtime/attachments.ts';
import { earliest, type Reconcile, type ReconcileResult } from '../runtime/reconcile-result.ts';
import { StrategiesAtRest } from './at-rest.ts';
import { adoptRun } from './adopt-run.ts';
import { configMapsIn, nextReading } from './config-maps.ts';
import { finalize } from './finalize.ts';
import { loadPass } from './load-pass.ts';
import { rebuildPlan, rebuildVerdict } from './rebuild-plan.ts';
import { refuseNamespace } from './refuse-namespace.ts';
import { reportingFailures } from './report-failure.ts';
import { runPass } from './run-pass.ts';
import type { StrategyDeps } from './strategy-deps.ts';
import type { StrategyPass } from './strategy-pass.ts';
import { sweepJobs } from './sweep-jobs.ts';
import { answerWithoutPlan, waitForNamespace, waitForPool } from './without-plan.ts';

/** Makes the worker of the strategy queue, which takes the key of a strategy (`ownerKey`) and makes one pass. */
export function strategyReconciler(
  deps: StrategyDeps,
  changed: (key: string, inMilliseconds: number) => void,
): Reconcile {
  const attachments = new Attachments(deps.hosts, changed);
  const resting = new StrategiesAtRest(deps, attachments);

  return reportingFailures(deps, async function reconcile(key, signal) {
    if (await refuseNamespace(deps, key)) return {};
    if (await resting.has(key)) return {};
    const read = await loadPass(deps, attachments, key);
    if (!read) {
      attachments.detach(key);
      deps.adopted.delete(key);
      deps.metrics.strategyGone(key);
      return {};
    }
    const unprepared = await deps.hosts.prepare(read.strategy.metadata.namespace, signal);
    // A deleted strategy is still finalized: the right to watch its namespace may be gone together with the namespace.
    if (unprepared !== undefined && !isDeleted(read)) return waitForNamespace(deps, read, unprepared);

    const seen = resting.look(read);
    const pass = await deps.runs.load(await adoptRun(deps, read, signal));
    const sweep = await sweepJobs(deps, pass, signal);
    const result = earliest(...(await allEnded([sweep.ended, advanceStrategy(deps, pass, signal)])));
    if (result.requeueAt === undefined) resting.add(read, seen);
    return result;
  });
}

async function advanceStrategy(
  deps: StrategyDeps,
  pass: StrategyPass,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { key, pool, stored, strategy, attachment } = pass;
  if (isDeleted(pass)) return finalize(deps, pass, signal);
  if (!pool || pool.unreadable !== undefined) return waitForPool(deps, pass, signal);

  const { rebuild, wakeAt } = rebuildVerdict(deps, pass, pool);
  if (rebuild) return rebuildPlan(deps, pass, pool, signal);
  const later = { requeueAt: wakeAt };
  if (!stored) {
    deps.awaitingPermits.delete(key);
    return earliest(later, await answerWithoutPlan(deps, pass));
  }

  const { clock, operatorNamespace } = deps;
  const mayBegin = stored.run.state === 'ready-to-apply' || stored.run.state === 'applying';
  const configMaps = mayBegin ? await configMapsIn(deps, pass, pool, stored.plan.actions, signal) : undefined;
  const { fleet } = attachment.view();
  const order = orderOf({ strategy, stored, pool, fleet, operatorNamespace, configMaps });
  const ran = await runPass(deps, { ...pass, stored, configMaps }, order, signal);
  return earliest(later, { requeueAt: nextReading(configMaps, clock()) }, ran);
}

function isDeleted({ strategy }: StrategyPass): boolean {
  return strategy.metadata.deletionTimestamp !== undefined;
}
