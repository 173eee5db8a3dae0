import type { HostProgress } from '../../crds/observed/host-progress.ts';
import type { Effect, Outcome } from '../effect.ts';
import { jobsOfPass } from './job-results.ts';
import { lastEffect } from './last-effect.ts';
import { closeOutage, recordProgress } from './outages.ts';
import { RESYNC_MILLISECONDS, wakeAt, type Pass } from '../pass.ts';
import { jobAtWork, withdrawalOf } from '../steps/outage-jobs.ts';
import { carriesOurMark } from '../steps/unlock-hosts.ts';
import type { Instant } from '../view.ts';

/**
 * Handles the hosts that stay locked after a failure. A person decides about them: an abort releases all of them, a
 * request release-host releases one, a request skip-host leaves one locked, with a note. After a `kubectl uncordon` only
 * our marks are removed. When the strategy is deleted, they are left locked, with a note that says why.
 */
export function reconcileLockedHosts(pass: Pass): void {
  const { run, turn } = pass;
  for (const outage of [...run.hosts]) {
    const facts = turn.view.host(outage.name);
    // A Job that exceeded its time still runs: the host is judged again after its end.
    if (jobAtWork(turn.view, turn.owner, outage) !== undefined) wakeAt(pass, turn.now + RESYNC_MILLISECONDS);
    else if (!facts || !carriesOurMark(facts, run.id)) closeOutage(pass, outage.name);
    else if (withdraws(pass, outage)) wakeAt(pass, turn.now + RESYNC_MILLISECONDS);
    else {
      const effect = lastEffect(pass, outage, facts);
      if (effect) askLastEffect(pass, outage, effect);
    }
  }
}

/** Whether a Job that has not started must still be withdrawn: it could start late, on a host that was released. */
function withdraws(pass: Pass, outage: HostProgress): boolean {
  const { turn } = pass;
  const withdrawal = withdrawalOf(jobsOfPass(pass), outage);
  if (!withdrawal) return false;
  // The Jobs of a deleted strategy are deleted with it.
  if (turn.outcomes.get(withdrawal.effect.key)?.kind === 'refused' && turn.order.finalizing) return false;
  recordProgress(pass, outage.name, withdrawal.progress);
  askFor(pass, withdrawal.effect);
  return true;
}

/** Asks for the last effect on a host. If it is refused in a deletion, the run drops the host; an event names it. */
function askLastEffect(pass: Pass, { name }: HostProgress, effect: Effect): void {
  const { turn } = pass;
  if (turn.outcomes.get(effect.key)?.kind === 'refused' && turn.order.finalizing)
    return closeOutage(pass, name);
  askFor(pass, effect);
}

function askFor(pass: Pass, effect: Effect): void {
  const { turn, reasons } = pass;
  const outcome = turn.outcomes.get(effect.key);
  if (outcome?.kind === 'refused' || outcome?.kind === 'blocked') {
    reasons.push(outcome.reason);
    wakeAt(pass, turn.now + RESYNC_MILLISECONDS);
  }
  if (mayAsk(outcome, turn.now)) pass.effects.push(effect);
}

function mayAsk(outcome: Outcome | undefined, now: Instant): boolean {
  if (outcome?.kind === 'blocked') return (outcome.retryAt ?? 0) <= now;
  return outcome?.kind !== 'refused';
}
