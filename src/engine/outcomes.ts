import type { Effect, Outcome } from './effect.ts';
import type { EffectKey, Instant } from './view.ts';

const FIRST_RETRY_MILLISECONDS = 1_000;
const LAST_RETRY_MILLISECONDS = 10_000;
/** A pod without a new eviction for this long no longer blocks: it left in another way. */
const FORGOTTEN_MILLISECONDS = 60_000;

/**
 * The outcomes of the effects of one run, for its next passes. The retries of a blocked effect back off. A restart
 * loses the outcomes; the effects are then asked for once more.
 */
export class Outcomes {
  readonly #outcomes = new Map<EffectKey, Outcome>();
  /** How often each blocked effect was refused. */
  readonly #blocked = new Map<EffectKey, { readonly kind: Effect['kind']; readonly times: number }>();
  /** Blocked evictions: since when, and when that was last reported. */
  readonly #stuckPods = new Map<EffectKey, { readonly since: Instant; readonly heardAt: Instant }>();

  get all(): ReadonlyMap<EffectKey, Outcome> {
    return this.#outcomes;
  }

  /** Forgets all outcomes: a refusal to one run does not apply to the next. */
  clear(): void {
    this.#outcomes.clear();
    this.#blocked.clear();
    this.#stuckPods.clear();
  }

  /** Whether an effect of this kind is blocked now. */
  isBlocked(kind: Effect['kind']): boolean {
    return this.#blocked.values().some((each) => each.kind === kind);
  }

  /** The number of pods whose eviction is blocked now, and since when the first of them is. */
  blockedEvictions(now: Instant): { readonly pods: number; readonly since: Instant } | undefined {
    const stuck = [...this.#stuckPods.values()].filter(
      ({ heardAt }) => now - heardAt < FORGOTTEN_MILLISECONDS,
    );
    if (stuck.length === 0) return undefined;
    return { pods: stuck.length, since: Math.min(...stuck.map(({ since }) => since)) };
  }

  note(effect: Effect, received: Outcome, now: Instant): void {
    const outcome = paced(effect, received);
    if (effect.kind === 'evict' && outcome.kind === 'blocked') {
      const since = this.#stuckPods.get(effect.key)?.since ?? now;
      this.#stuckPods.set(effect.key, { since, heardAt: now });
    } else this.#stuckPods.delete(effect.key);
    if (outcome.kind !== 'blocked') {
      this.#blocked.delete(effect.key);
      this.#outcomes.set(effect.key, outcome);
      return;
    }
    const times = this.#blocked.get(effect.key)?.times ?? 0;
    this.#blocked.set(effect.key, { kind: effect.kind, times: times + 1 });
    const backOff = Math.min(FIRST_RETRY_MILLISECONDS * 2 ** times, LAST_RETRY_MILLISECONDS);
    this.#outcomes.set(effect.key, { ...outcome, retryAt: Math.max(outcome.retryAt ?? 0, now + backOff) });
  }
}

/**
 * Slows down two retries that would otherwise follow the pace of the server's answers: of a write whose outcome is
 * unknown, and of an eviction or a write of a Job that meets a change which the watch has not reported yet. The note on a failed host is retried
 * although it was refused: without the note the sweep of the claim would open the host.
 */
function paced(effect: Effect, outcome: Outcome): Outcome {
  if (outcome.kind === 'unknown') return { kind: 'blocked', reason: outcome.reason };
  if (outcome.kind === 'refused' && effect.kind === 'leave-locked')
    return { kind: 'blocked', reason: outcome.reason };
  const changed = outcome.kind === 'stale' ? changedBy(effect) : undefined;
  return changed === undefined ? outcome : { kind: 'blocked', reason: `${changed} has changed` };
}

/** The object that an effect removes, or a Job that it makes, starts or withdraws. */
function changedBy(effect: Effect): string | undefined {
  switch (effect.kind) {
    case 'evict':
      return `${effect.instance.namespace}/${effect.instance.name}`;
    case 'start-job':
    case 'delete-job':
    case 'withdraw-job':
      return `Job ${effect.name}`;
    case 'create-job':
      return `the Job for ${effect.action} on ${effect.host}`;
    default:
      return undefined;
  }
}
