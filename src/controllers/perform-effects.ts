import type { Effect, Outcome } from '../engine/effect.ts';
import type { Fence } from '../hostops/port.ts';
import type { PassContext } from './pass-context.ts';

/** Measured: more writes in flight than this make an API server slower, not faster. */
const AT_ONCE = 8;

/**
 * Asks for the effects of a decision and keeps how they were received. What was
 * blocked or refused is decided upon again at once; after a write that may or
 * may not have happened the hosts are read anew, and nothing is repeated blindly.
 */
export async function performEffects(
  { deps, key, attachment }: PassContext,
  effects: readonly Effect[],
  fence: Fence,
  signal: AbortSignal,
): Promise<void> {
  const unsure = new Set<string>();
  let again = false;
  const note = (effect: Effect, outcome: Outcome): void => {
    attachment.outcomes.note(effect, outcome, deps.clock());
    const { host, kind } = effect;
    if (outcome.kind === 'accepted') deps.log.info({ strategy: key, host, effect: kind, key: effect.key }, 'effect accepted');
    if ('reason' in outcome) deps.log.warn({ strategy: key, host, effect: kind, outcome: outcome.kind, reason: outcome.reason }, 'effect not accepted');
    if (outcome.kind === 'stale' || outcome.kind === 'unknown') unsure.add(host);
    again ||= outcome.kind !== 'accepted' && outcome.kind !== 'already';
  };

  const queue = effects.values();
  const worker = async (): Promise<void> => {
    for (const effect of queue) note(effect, await deps.hosts.perform(effect, fence, signal));
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, effects.length) }, worker));
  if (unsure.size > 0) await deps.hosts.confirm([...unsure], signal);
  if (again) deps.again(key);
}
