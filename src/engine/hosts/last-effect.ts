import type { HostProgress } from '../../crds/observed/host-progress.ts';
import { statusText } from '../../crds/text/status-text.ts';
import { effectKey, type Effect } from '../effect.ts';
import { jobsOfPass } from './job-results.ts';
import type { Pass } from '../pass.ts';
import { isFinal } from '../run/run-state.ts';
import { skippedBecause } from './skips.ts';
import { mayHaveChanged } from '../steps/outage-jobs.ts';
import { stoppedSince, wasOpenedByOthers } from '../steps/unlock-hosts.ts';
import type { HostFacts } from '../view.ts';

/**
 * The effect that ends an outage on which no work is done any more; undefined while a person has to decide about the
 * host. A host that was skipped, or whose strategy is deleted, is left locked with a note; a skipped one is given back
 * when nothing was started on it.
 * @param isGivenUp the run goes on without this host, which is given back
 */
export function lastEffect(
  pass: Pass,
  outage: HostProgress,
  facts: HostFacts,
  isGivenUp = false,
): Effect | undefined {
  const { run, turn } = pass;
  const { name: host, attempt, closedToNewWorkBefore } = outage;
  const skipped = skippedBecause(pass, host);
  const common = { host, revision: facts.revision, run: run.id };
  const keyOf = (kind: Effect['kind']): string =>
    effectKey(run.id, run.apply.currentStage, 'unlock-hosts', host, kind, attempt);
  const isGivenBack = isGivenUp || (skipped !== undefined && !isWorkedOn(pass, outage));
  if (outage.releaseAsked || isGivenBack || wasOpenedByOthers(facts, outage))
    return {
      ...{ ...common, kind: 'release', closedToNewWorkBefore, key: keyOf('release') },
      ...stoppedSince(pass.plan, outage),
    };
  if (skipped === undefined && !turn.order.finalizing) return undefined;
  const reason = noteOf(outage, skipped) ?? 'its strategy was deleted';
  return { ...common, kind: 'leave-locked', key: keyOf('leave-locked'), reason };
}

/** Why the host is left locked: the skip, and the failure or the step before it. */
function noteOf({ result, reason, step }: HostProgress, skipped: string | undefined): string | undefined {
  if (skipped === undefined) return reason;
  return statusText(
    isFinal(result) && reason !== undefined ? `${skipped}: ${reason}` : `${skipped}, in ${step}`,
  );
}

function isWorkedOn(pass: Pass, outage: HostProgress): boolean {
  return outage.level === 'away' && mayHaveChanged(jobsOfPass(pass), outage);
}
