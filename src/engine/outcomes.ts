import type { Effect, Outcome } from './effect.ts';
import type { EffectKey, Instant } from './view.ts';

const FIRST_RETRY_MILLISECONDS = 1_000;
const LAST_RETRY_MILLISECONDS = 10_000;
/** A pod that is not asked to leave any more went otherwise. */
const FORGOTTEN_MILLISECONDS = 60_000;

/**
 * How the effects of one run were received, for the passes to come. A blocked
 * effect is asked for again later each time. Lost in a restart, and nothing
 * rests on it: then the effect is asked for once more.
 */
export class Outcomes {
  readonly #outcomes = new Map<EffectKey, Outcome>();
  readonly #blocked = new Map<EffectKey, number>();
  /** Evictions that are blocked, since when, and when that was last heard. */
  readonly #stuckPods = new Map<EffectKey, { readonly since: Instant; readonly heardAt: Instant }>();

  get all(): ReadonlyMap<EffectKey, Outcome> {
    return this.#outcomes;
  }

  /** Forgets everything: what was refused to one run says nothing about the next. */
  clear(): void {
    this.#outcomes.clear();
    this.#blocked.clear();
    this.#stuckPods.clear();
  }

  /** The pods that may not leave their host now, and since when the first of them. */
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
    const times = this.#blocked.get(effect.key) ?? 0;
    this.#blocked.set(effect.key, times + 1);
    const backOff = Math.min(FIRST_RETRY_MILLISECONDS * 2 ** times, LAST_RETRY_MILLISECONDS);
    this.#outcomes.set(effect.key, { ...outcome, retryAt: Math.max(outcome.retryAt ?? 0, now + backOff) });
  }
}

/**
 * A write that may have happened is looked at anew and asked for again, but not
 * at the pace of the server's answers; nor is an eviction whose pod has changed
 * before the watch tells of it.
 */
function paced(effect: Effect, outcome: Outcome): Outcome {
  if (outcome.kind === 'unknown') return { kind: 'blocked', reason: outcome.reason };
  if (outcome.kind === 'stale' && effect.kind === 'evict') {
    return {
      kind: 'blocked',
      reason: `${effect.instance.namespace}/${effect.instance.name} has changed`,
    };
  }
  return outcome;
}
