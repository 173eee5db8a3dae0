import { CLAIM_ANNOTATION } from '../../crds/names.ts';
import { ownerText } from '../../crds/owner-ref.ts';
import { foundClosed } from '../prior-state.ts';
import {
  DONE,
  ask,
  failed,
  hostGone,
  keyOf,
  membershipFailure,
  type HostStep,
  type Verdict,
} from './verdict.ts';

/** Claims the host for this run; in an outage of level `away` the claim also cordons it. */
export function lockHost(step: HostStep): Verdict {
  const { facts, outage, name, stage, run, owner, plan, pool, epoch } = step;
  if (!facts) return hostGone(name);
  if (facts.claim?.run === run) return DONE;
  const left = membershipFailure(name, facts, pool);
  if (left) return left;
  if (!outage || !step.permitted) return { kind: 'blocked', reason: `${name} waits for its permit` };
  if (facts.claim) {
    return { kind: 'blocked', reason: `${name} is held by ${ownerText(facts.claim.owner)}` };
  }
  if (facts.spoiltClaim !== undefined) return { kind: 'blocked', reason: spoilt(name, facts.spoiltClaim) };
  const closedToNewWorkBefore = foundClosed(facts, outage.closedToNewWorkBefore);
  const claim = {
    run,
    pool,
    epoch,
    owner,
    planDigest: plan.digest,
    stage: stage.id,
    level: outage.level,
    closedToNewWorkBefore,
    since: outage.since,
  };
  const effect = {
    kind: 'claim',
    key: keyOf(step, 'lock-hosts', ''),
    host: name,
    revision: facts.revision,
    claim,
  } as const;
  return ask(step, effect, `locking ${name}`, { closedToNewWorkBefore });
}

/** A failure when the host has lost the claim of this run; undefined while it has it. */
export function claimLost({ facts, name, run }: HostStep): Verdict | undefined {
  if (!facts) return hostGone(name);
  if (facts.claim?.run === run) return undefined;
  if (facts.spoiltClaim !== undefined)
    return failed(`${name} lost the claim of this run: ${facts.spoiltClaim}`);
  return failed(
    `${name} lost the claim of this run: somebody removed or replaced its annotation ${CLAIM_ANNOTATION}`,
  );
}

function spoilt(name: string, why: string): string {
  return (
    `${name} cannot be claimed: ${why}; when nobody works on it, ` +
    `kubectl annotate node ${name} ${CLAIM_ANNOTATION}- takes that off`
  );
}
