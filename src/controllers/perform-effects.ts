import type { Effect, Outcome } from '../engine/effect.ts';
import type { Fence } from '../hostops/port.ts';
import type { Logger, PassContext } from './pass-context.ts';

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
  const received: { effect: Effect; outcome: Outcome }[] = [];
  const queue = effects.values();
  const worker = async (): Promise<void> => {
    for (const effect of queue) {
      const outcome = await deps.hosts.perform(effect, fence, signal);
      tell(deps.log, key, effect, outcome);
      attachment.outcomes.note(effect, outcome, deps.clock());
      received.push({ effect, outcome });
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, effects.length) }, worker));

  const unsure = received.filter(({ outcome: { kind } }) => kind === 'stale' || kind === 'unknown');
  if (unsure.length > 0)
    await deps.hosts.confirm([...new Set(unsure.map(({ effect }) => effect.host))], signal);
  if (received.some(({ outcome: { kind } }) => kind !== 'accepted' && kind !== 'already')) deps.again(key);
}

function tell(log: Logger, strategy: string, { host, kind, key }: Effect, outcome: Outcome): void {
  const fields = { strategy, host, effect: kind, key, outcome: outcome.kind };
  if ('reason' in outcome) log.warn({ ...fields, reason: outcome.reason }, 'effect not accepted');
  else log.info(fields, 'effect');
}
