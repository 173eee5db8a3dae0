import { isAboutJob, type Effect, type Outcome } from '../../engine/effect.ts';
import type { Fence } from '../../hostops/port.ts';
import type { CareenApi } from '../../resources/careen-api.ts';
import { ownerOf } from '../../resources/stored-strategy.ts';
import { effectEvent, sharedEvents, type EventDraft } from '../../status/shown/event-drafts.ts';
import { eachOf } from '../../kube/each-of.ts';
import { ownerEvent } from '../runtime/events.ts';
import type { ReconcileResult } from '../runtime/reconcile-result.ts';
import type { StrategyDeps } from './strategy-deps.ts';
import type { StrategyPass } from './strategy-pass.ts';

/** Measured: more writes in flight than this make an API server slower, not faster. */
const AT_ONCE = 8;
/** Removals that are asked for together are one request (`JobRemovals`). */
const REMOVALS_AT_ONCE = 32;

export type EffectDeps = Pick<StrategyDeps, 'hosts' | 'clock' | 'log' | 'events' | 'metrics'> & {
  readonly api: Pick<CareenApi, 'confirmStrategy'>;
};

/**
 * Performs the effects of a decision and notes their outcomes, if the strategy has not changed since. A blocked or
 * refused effect requeues the strategy at once. After a stale or unknown outcome
 * the hosts are read again, so no effect is repeated blindly. A Job was read by `perform`.
 */
export async function performEffects(
  deps: EffectDeps,
  pass: Pick<StrategyPass, 'key' | 'attachment' | 'strategy' | 'begunAt'>,
  effects: readonly Effect[],
  fence: Fence,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  if (effects.length === 0) return {};
  await deps.api.confirmStrategy(pass.strategy, pass.begunAt);
  return confirmedEffects(deps, pass, effects, fence, signal);
}

/** The same for a caller that has just made sure that the strategy has not changed. */
export async function confirmedEffects(
  deps: EffectDeps,
  { key, attachment, strategy }: Pick<StrategyPass, 'key' | 'attachment' | 'strategy'>,
  effects: readonly Effect[],
  fence: Fence,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { hosts, clock, events } = deps;
  const { scope } = attachment;
  const { words } = attachment.view();
  const received: { effect: Effect; outcome: Outcome }[] = [];
  const perform = async (effect: Effect): Promise<void> => {
    const outcome = await hosts.perform(scope, effect, fence, signal);
    report(deps, key, effect, outcome);
    attachment.outcomes.note(effect, outcome, clock());
    received.push({ effect, outcome });
  };
  const isRemoval = ({ kind }: Effect): boolean => kind === 'delete-job';
  await Promise.all([
    eachOf(effects.filter(isRemoval), REMOVALS_AT_ONCE, perform),
    eachOf(
      effects.filter((each) => !isRemoval(each)),
      AT_ONCE,
      perform,
    ),
  ]);

  const accepted = received.filter(({ outcome: { kind } }) => kind === 'accepted');
  const drafts = accepted.flatMap(({ effect, outcome }) => [
    ...[effectEvent(effect, words) ?? []].flat(),
    ...noteEvent(effect, outcome),
  ]);
  for (const draft of sharedEvents(drafts)) events.record(ownerEvent(ownerOf(strategy), draft));
  const unsure = received.filter(({ effect, outcome }) => isUnsure(effect, outcome));
  const inDoubt = new Set(unsure.map(({ effect }) => effect.host));
  if (inDoubt.size > 0) await hosts.confirm(scope, [...inDoubt], signal);
  const isDone = received.every(({ outcome: { kind } }) => kind === 'accepted' || kind === 'already');
  return isDone ? {} : { requeueAt: clock() };
}

function noteEvent({ host }: Effect, outcome: Outcome): EventDraft[] {
  const note = outcome.kind === 'accepted' ? outcome.note : undefined;
  return note === undefined ? [] : [{ reason: 'InstancesNotStarted', host, note }];
}

function isUnsure(effect: Effect, { kind }: Outcome): boolean {
  return kind === 'unknown' || (kind === 'stale' && !isAboutJob(effect));
}

function report(
  { log, metrics }: EffectDeps,
  strategy: string,
  { host, kind, key }: Effect,
  outcome: Outcome,
): void {
  metrics.effectPerformed(kind, outcome.kind);
  const fields = { strategy, host, effect: kind, key, outcome: outcome.kind };
  if ('reason' in outcome) log.warn({ ...fields, reason: outcome.reason }, 'effect not accepted');
  else log.info(fields, 'effect');
}
