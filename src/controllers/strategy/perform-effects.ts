import type { Effect, Outcome } from '../../engine/effect.ts';
import type { Fence } from '../../hostops/port.ts';
import type { EventReason } from '../../crds/event-catalogue.ts';
import { ownerOf } from '../../resources/stored-strategy.ts';
import type { PassContext, ReconcilerDeps } from './pass-context.ts';
import type { EventDraft } from '../../status/event-drafts.ts';
import { ownerEvent } from '../runtime/events.ts';

/** Measured: more writes in flight than this make an API server slower, not faster. */
const AT_ONCE = 8;

/**
 * Asks for the effects of a decision and keeps how they were received. What was
 * blocked or refused is decided upon again at once; after a write that may or
 * may not have happened the hosts are read anew, and nothing is repeated blindly.
 */
export async function performEffects(
  { deps, key, attachment, strategy }: PassContext,
  effects: readonly Effect[],
  fence: Fence,
  signal: AbortSignal,
): Promise<void> {
  const received: { effect: Effect; outcome: Outcome }[] = [];
  const queue = effects.values();
  const worker = async (): Promise<void> => {
    for (const effect of queue) {
      const outcome = await deps.hosts.perform(effect, fence, signal);
      report(deps, key, effect, outcome);
      const reason = outcome.kind === 'accepted' ? HOST_EVENTS[effect.kind] : undefined;
      if (reason)
        deps.events.record(
          ownerEvent(ownerOf(strategy), { ...hostEvent(reason, effect), host: effect.host }),
        );
      attachment.outcomes.note(effect, outcome, deps.clock());
      received.push({ effect, outcome });
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, effects.length) }, worker));

  const unsure = received.filter(({ outcome: { kind } }) => kind === 'stale' || kind === 'unknown');
  if (unsure.length > 0)
    await deps.hosts.confirm([...new Set(unsure.map(({ effect }) => effect.host))], signal);
  if (received.some(({ outcome: { kind } }) => kind !== 'accepted' && kind !== 'already')) deps.requeue(key);
}

/** What an accepted effect does to its host, as people are told. */
const HOST_EVENTS: Partial<Record<Effect['kind'], EventReason>> = {
  claim: 'HostLocked',
  release: 'HostReleased',
  'leave-locked': 'HostLeftLocked',
};

function hostEvent(reason: EventReason, effect: Effect): EventDraft {
  const { host } = effect;
  switch (effect.kind) {
    case 'claim':
      return {
        reason,
        note:
          effect.claim.level === 'away' ? `${host} was cordoned and claimed` : `${host} is patched in place`,
      };
    case 'leave-locked':
      return {
        reason,
        note: `${host} stays cordoned: ${effect.reason}; kubectl uncordon ${host} when it is fit to work`,
      };
    default:
      return { reason, note: `${host} was given back` };
  }
}

function report(
  { log, metrics }: ReconcilerDeps,
  strategy: string,
  { host, kind, key }: Effect,
  outcome: Outcome,
): void {
  metrics.effectPerformed(kind, outcome.kind);
  const fields = { strategy, host, effect: kind, key, outcome: outcome.kind };
  if ('reason' in outcome) log.warn({ ...fields, reason: outcome.reason }, 'effect not accepted');
  else log.info(fields, 'effect');
}
