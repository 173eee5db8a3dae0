import type { HostProgress } from '../crds/patch-strategy-status.ts';
import { effectKey, type Effect } from './effect.ts';
import { closeOutage } from './outages.ts';
import { RESYNC_MILLISECONDS, wakeAt, type Pass } from './pass.ts';
import { carriesOurMark, wasOpenedByOthers } from './steps/unlock-hosts.ts';
import type { Turn } from './turn.ts';
import type { EffectKey } from './view.ts';

/**
 * Hosts that stay locked after a failure are a person's to decide about: an
 * abort gives them back, a request release-host one of them, and `kubectl
 * uncordon` too, after which only what is left of ours is taken off. When the
 * strategy goes, they are left locked with a note that says why.
 */
export function reconcileLockedHosts(pass: Pass): void {
  const { run, turn } = pass;
  for (const outage of [...run.hosts]) {
    const facts = turn.view.host(outage.name);
    if (!facts || !carriesOurMark(facts, run.id)) closeOutage(pass, outage.name);
    // The Job that failed to end in time still runs: the host is looked at again when it has.
    else if (facts.runningJob !== undefined) wakeAt(pass, turn.now + RESYNC_MILLISECONDS);
    else if (outage.releaseAsked || wasOpenedByOthers(facts, outage)) {
      const { revision } = facts;
      const effect = {
        kind: 'release',
        host: outage.name,
        revision,
        run: run.id,
        closedToNewWorkBefore: outage.closedToNewWorkBefore,
      } as const;
      askLastEffect(pass, outage, { ...effect, key: lastKey(pass, outage, 'release') });
    } else if (turn.order.finalizing) {
      const effect = {
        kind: 'leave-locked',
        host: outage.name,
        revision: facts.revision,
        run: run.id,
      } as const;
      const reason = outage.reason ?? 'its strategy was deleted';
      askLastEffect(pass, outage, { ...effect, key: lastKey(pass, outage, 'leave-locked'), reason });
    }
  }
}

/** Asks for the last effect on a host. What is refused while the strategy goes is given up: an event names the host. */
function askLastEffect(pass: Pass, { name }: HostProgress, effect: Effect): void {
  const { turn, reasons } = pass;
  const outcome = turn.outcomes.get(effect.key);
  if (outcome?.kind === 'refused' && turn.order.finalizing) return closeOutage(pass, name);
  const refusal = notNow(turn, effect.key);
  if (refusal === undefined) pass.effects.push(effect);
  else {
    reasons.push(refusal);
    wakeAt(pass, turn.now + RESYNC_MILLISECONDS);
  }
}

function lastKey({ run }: Pass, { name, attempt }: HostProgress, subject: string): EffectKey {
  return effectKey(run.id, run.apply.currentStage, 'unlock-hosts', name, subject, attempt);
}

/** Why an effect is of no use now: it was refused, or blocked until later. */
function notNow({ outcomes, now }: Turn, key: EffectKey): string | undefined {
  const outcome = outcomes.get(key);
  if (outcome?.kind === 'refused') return outcome.reason;
  return outcome?.kind === 'blocked' && (outcome.retryAt ?? 0) > now ? outcome.reason : undefined;
}
