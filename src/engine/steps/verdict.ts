import type { HostProgress, StageStatus } from '../../crds/patch-strategy-status.ts';
import type { OwnerRef } from '../../crds/owner-ref.ts';
import type { StepName } from '../../crds/vocabulary.ts';
import type { HostName } from '../../planner/facts.ts';
import type { Plan } from '../../planner/plan.ts';
import { effectKey, type Effect, type Outcome } from '../effect.ts';
import type { EffectKey, HostFacts, Instant, View } from '../view.ts';

/**
 * What one look at a host says about its step. Safe to ask any number of times.
 * `wait` and `blocked` differ for an abort: what is under way is awaited, what
 * only waits for others is given up.
 */
export type Verdict =
  | { readonly kind: 'done' }
  /** Done, with reservations; no native step says so. */
  | { readonly kind: 'degraded'; readonly reason: string; readonly uncordoned?: true }
  /** Something is missing and is asked for now. `progress` is recorded before the effects are performed. */
  | {
      readonly kind: 'act';
      readonly effects: readonly Effect[];
      readonly reason: string;
      readonly progress?: Partial<HostProgress>;
      readonly uncordoned?: true;
    }
  /** Something that was started is under way. */
  | {
      readonly kind: 'wait';
      readonly reason: string;
      readonly progress?: Partial<HostProgress>;
      readonly uncordoned?: true;
    }
  /** Nothing is under way; others have to move first, or time has to pass. */
  | {
      readonly kind: 'blocked';
      readonly reason: string;
      readonly until?: Instant;
      readonly uncordoned?: true;
    }
  | { readonly kind: 'failed'; readonly reason: string; readonly uncordoned?: true };

/** All that a step may look at when it judges one host. */
export type HostStep = {
  readonly plan: Plan;
  readonly run: string;
  readonly pool: string;
  readonly epoch: number;
  readonly owner: OwnerRef;
  readonly stage: StageStatus;
  /** The stage of the plan that the host was taken in, also while an abort gives it back. */
  readonly planStage: number;
  /** The step of that stage that may reboot the host. */
  readonly rebootsIn: StepName | undefined;
  readonly stepStartedAt: Instant;
  readonly stepDeadline: Instant;
  /** When it is over at the latest: its stage or phase may run out of time before it. */
  readonly endsBy: Instant;
  readonly name: HostName;
  /** Undefined when the host no longer exists. */
  readonly facts: HostFacts | undefined;
  /** The host's outage; undefined before it is opened and after it is closed. */
  readonly outage: HostProgress | undefined;
  /** Whether the run has a permit for the host. */
  readonly permitted: boolean;
  readonly view: View;
  readonly outcomes: ReadonlyMap<EffectKey, Outcome>;
  readonly now: Instant;
};

export const DONE: Verdict = { kind: 'done' };

export function failed(reason: string): Verdict & { kind: 'failed' } {
  return { kind: 'failed', reason };
}

/** Whether the step has nothing more to do for the host. */
export function isOver(verdict: Verdict): boolean {
  return isReached(verdict) || verdict.kind === 'failed';
}

/** Whether the host is where the step was to take it. */
export function isReached(verdict: Verdict): verdict is Extract<Verdict, { kind: 'done' | 'degraded' }> {
  return verdict.kind === 'done' || verdict.kind === 'degraded';
}

/** The reason of a verdict; empty where there is none. */
export function reasonOf(verdict: Verdict): string {
  return verdict.kind === 'done' ? '' : verdict.reason;
}

export function hostGone(name: HostName): Verdict & { kind: 'failed' } {
  return failed(`${name} no longer exists`);
}

/** A failure when a host cannot be taken any more: it is gone, or it is another pool's to say how many may be away. */
export function membershipFailure(
  name: HostName,
  facts: HostFacts | undefined,
  pool: string,
): (Verdict & { kind: 'failed' }) | undefined {
  if (!facts) return hostGone(name);
  return facts.isMember ? undefined : failed(`${name} is no longer a host of pool ${pool}`);
}

/** The key of an effect on this host in this stage. */
export function keyOf({ run, planStage, name, outage }: HostStep, step: string, subject: string): EffectKey {
  return effectKey(run, planStage, step, name, subject, outage?.attempt ?? 1);
}

/**
 * Asks for an effect, or says why that is of no use now: it was refused for
 * good, or blocked until later.
 */
export function ask(
  step: HostStep,
  effect: Effect,
  reason: string,
  progress?: Partial<HostProgress>,
): Exclude<Verdict, { kind: 'done' }> {
  const outcome = step.outcomes.get(effect.key);
  if (outcome?.kind === 'refused') return failed(outcome.reason);
  if (outcome?.kind === 'blocked' && (outcome.retryAt ?? 0) > step.now) {
    return {
      kind: 'blocked',
      reason: outcome.reason,
      ...(outcome.retryAt ? { until: outcome.retryAt } : {}),
    };
  }
  return { kind: 'act', effects: [effect], reason, ...(progress ? { progress } : {}) };
}
