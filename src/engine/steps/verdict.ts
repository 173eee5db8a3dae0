import type { HostProgress } from '../../crds/observed/host-progress.ts';
import type { StoredDownload } from '../../crds/observed/session-progress.ts';
import type { SkippedHost, StageStatus } from '../../crds/observed/strategy-status.ts';
import type { OwnerRef } from '../../crds/owner-ref.ts';
import type { StepName } from '../../crds/vocabulary.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { HostWords } from '../../planner/hosts/host-words.ts';
import type { Plan } from '../../planner/plan.ts';
import { stepOfWork } from '../../planner/hosts/work.ts';
import { effectKey, type Effect, type Outcome } from '../effect.ts';
import type { Obstacle } from '../turn.ts';
import type { EffectKey, HostFacts, Instant, View } from '../view.ts';

/**
 * The judgement of one host in one step. Safe to repeat any number of times. An abort treats `wait` and `blocked`
 * differently: it awaits the first and gives up the second.
 */
export type Verdict =
  | { readonly kind: 'done' }
  /** Done with a defect; no native step returns it. */
  | { readonly kind: 'degraded'; readonly reason: string; readonly uncordoned?: true }
  /** The effects are needed now. `progress` is recorded before they are performed. */
  | {
      readonly kind: 'act';
      readonly effects: readonly Effect[];
      readonly reason: string;
      readonly progress?: Partial<HostProgress>;
      readonly uncordoned?: true;
      readonly obstacle?: Obstacle | undefined;
    }
  /** A started action has not ended. */
  | {
      readonly kind: 'wait';
      readonly reason: string;
      readonly until?: Instant;
      readonly progress?: Partial<HostProgress>;
      readonly uncordoned?: true;
      readonly obstacle?: Obstacle | undefined;
    }
  /** No started action: the host waits for another party, or for a time. */
  | {
      readonly kind: 'blocked';
      readonly reason: string;
      readonly until?: Instant;
      readonly uncordoned?: true;
      readonly obstacle?: Obstacle | undefined;
      /** The host is unwell: a step that gives hosts time to settle begins that time anew. */
      readonly unwell?: true;
    }
  | { readonly kind: 'failed'; readonly reason: string; readonly uncordoned?: true };

/** All inputs of the judgement of one host. */
export type HostStep = {
  readonly plan: Plan;
  readonly run: string;
  readonly pool: string;
  readonly epoch: number;
  readonly owner: OwnerRef;
  /** The namespaces whose instances without a controller stay. */
  readonly protectedNamespaces: readonly string[];
  readonly stage: StageStatus;
  /** The stage of the plan that took the host out of service, also during its release in an abort. */
  readonly planStage: number;
  /** Whether this step takes the hosts of the stage out of service. */
  readonly opensOutage: boolean;
  /** The step of that stage that may reboot the host. */
  readonly rebootsIn: StepName | undefined;
  readonly runStartedAt: Instant;
  readonly stepStartedAt: Instant;
  readonly stepDeadline: Instant;
  /** The first deadline of the step, its stage and its phase. */
  readonly endsBy: Instant;
  readonly name: HostName;
  /** Undefined when the host no longer exists. */
  readonly facts: HostFacts | undefined;
  /** The host's outage; undefined before it is opened and after it is closed. */
  readonly outage: HostProgress | undefined;
  /** Whether the run has a permit for the host. */
  readonly permitted: boolean;
  /** Whether the work on a controller waits for a quorum of the others. */
  readonly judgesQuorum: boolean;
  readonly view: View;
  readonly outcomes: ReadonlyMap<EffectKey, Outcome>;
  /** The hosts that requests leave out of the run. */
  readonly skipped: readonly SkippedHost[];
  /** What a session gives to the Jobs of its actions. */
  readonly downloads: readonly StoredDownload[] | undefined;
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

/** Whether the host has reached the goal of the step. */
export function isReached(verdict: Verdict): verdict is Extract<Verdict, { kind: 'done' | 'degraded' }> {
  return verdict.kind === 'done' || verdict.kind === 'degraded';
}

/** The reason of a verdict; empty without one. */
export function reasonOf(verdict: Verdict): string {
  return verdict.kind === 'done' ? '' : verdict.reason;
}

/** What stands in the way of a host that waits. */
export function obstacleOf(verdict: Verdict): Obstacle | undefined {
  return 'obstacle' in verdict ? verdict.obstacle : undefined;
}

export function hostGone(name: HostName): Verdict & { kind: 'failed' } {
  return failed(`${name} no longer exists`);
}

/** A failure when a host can no longer be taken: it no longer exists, or it is no longer a member of this pool. */
export function membershipFailure(
  name: HostName,
  facts: HostFacts | undefined,
  pool: string,
): (Verdict & { kind: 'failed' }) | undefined {
  if (!facts) return hostGone(name);
  return facts.isMember ? undefined : failed(`${name} is no longer a host of pool ${pool}`);
}

/**
 * A failure when the host was left locked in the middle of earlier work for the same owner: its record was lost, or it was
 * skipped. Only a person knows whether that work may be repeated, and opens the host.
 */
export function leftLockedFailure(
  name: HostName,
  facts: HostFacts | undefined,
  owner: OwnerRef,
  words: HostWords,
): (Verdict & { kind: 'failed' }) | undefined {
  if (!facts?.closedToNewWork || facts.leftLockedBy !== owner.uid || facts.claim) return undefined;
  const remedy = words.remedy('kept-locked', name);
  return failed(`${words.says('kept-locked', name)}: work on it was cut short; inspect it, then ${remedy}`);
}

/** The key of an effect on this host in this stage. */
export function keyOf({ run, planStage, name, outage }: HostStep, step: string, subject: string): EffectKey {
  return effectKey(run, planStage, step, name, subject, outage?.attempt ?? 1);
}

/** The key of the Job that runs an action on this host: a piece of work, or the reboot. */
export function jobKey(step: HostStep, action: string): EffectKey {
  return keyOf(step, stepOfWork(step.plan.actions, action), action);
}

/** Asks for an effect. Fails when it was refused for good; waits while it is blocked until later. */
export function ask(
  step: Pick<HostStep, 'outcomes' | 'now'>,
  effect: Effect,
  reason: string,
  progress?: Partial<HostProgress>,
): Exclude<Verdict, { kind: 'done' }> {
  const outcome = step.outcomes.get(effect.key);
  if (outcome?.kind === 'refused') return failed(outcome.reason);
  const isBlocked = outcome?.kind === 'blocked';
  const obstacle = isBlocked ? OBSTACLE_OF[effect.kind] : undefined;
  const stuck = obstacle === undefined ? {} : { obstacle };
  if (isBlocked && (outcome.retryAt ?? 0) > step.now) {
    return {
      ...{ kind: 'blocked', reason: outcome.reason, ...stuck },
      ...(outcome.retryAt ? { until: outcome.retryAt } : {}),
    };
  }
  // The last refusal stays the reason until the next answer: the step may end before that.
  const why = isBlocked ? outcome.reason : reason;
  return { kind: 'act', effects: [effect], reason: why, ...stuck, ...(progress ? { progress } : {}) };
}

/** What stands in the way while an effect is blocked. */
const OBSTACLE_OF: Partial<Record<Effect['kind'], Obstacle>> = {
  evict: 'DrainBlocked',
  'create-job': 'JobNotStarted',
  'start-job': 'JobNotStarted',
};
