import type { RunState } from '../../engine/run/run-state.ts';
import { changedStages } from '../../engine/run/stage-folds.ts';
import { ownerOf, type Strategy } from '../../resources/stored-strategy.ts';
import type { StrategyStatus } from '../../crds/observed/strategy-status.ts';
import { requestEvents, runEvents } from '../../status/shown/event-drafts.ts';
import { ownerEvent } from '../runtime/events.ts';
import type { ReconcilerDeps } from '../runtime/reconciler-deps.ts';
import type { StrategyPass } from './strategy-pass.ts';

export type ReportDeps = Pick<ReconcilerDeps, 'log' | 'events' | 'metrics'>;

/** Reports the requests that were answered or placed again between the status of a strategy and the next one. */
export function reportRequests(
  { events }: Pick<ReportDeps, 'events'>,
  strategy: Strategy,
  { requests }: StrategyStatus,
): void {
  for (const draft of requestEvents(strategy.status.requests, requests))
    events.record(ownerEvent(ownerOf(strategy), draft));
}

/** Reports the changes of a run: a log line for each change of state or step, events, and step metrics. */
export function reportRun(
  { log, events, metrics }: ReportDeps,
  { key, strategy }: Pick<StrategyPass, 'key' | 'strategy'>,
  before: RunState,
  after: RunState,
  message: string,
): void {
  for (const draft of runEvents(before, after, message)) events.record(ownerEvent(ownerOf(strategy), draft));
  if (before.state !== after.state)
    log.info({ strategy: key, run: after.id, state: after.state, message }, 'state changed');
  for (const { before: old, after: stage } of changedStages(before.apply, after.apply)) {
    for (const step of stage.steps) {
      if (old === undefined || old.steps[step.id]?.result === step.result) continue;
      const { name, result, reason, startTime, endTime } = step;
      log.info({ strategy: key, stage: stage.id, step: name, result, ...(reason ? { reason } : {}) }, 'step');
      if (startTime && endTime)
        metrics.stepEnded(name, result, (Date.parse(endTime) - Date.parse(startTime)) / 1000);
    }
  }
}
