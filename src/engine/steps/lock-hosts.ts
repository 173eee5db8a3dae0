import { ownerText } from '../../crds/owner-ref.ts';
import type { HostProgress } from '../../crds/observed/host-progress.ts';
import { foundClosed, stopsInstances } from '../run/prior-state.ts';
import { faultsOf } from './unwell.ts';
import {
  DONE,
  ask,
  failed,
  hostGone,
  keyOf,
  leftLockedFailure,
  membershipFailure,
  type HostStep,
  type Verdict,
} from './verdict.ts';

/** Claims the host for this run; in an outage of level `away` the claim also cordons it. */
export function lockHost(step: HostStep): Verdict {
  const { facts, outage, name, stage, run, owner, plan, pool, epoch } = step;
  if (!facts) return hostGone(name);
  const own = facts.claim?.run === run ? facts.claim : undefined;
  // A host that this run closed is taken out of service by another claim. Where a closed host has
  // lost its claim, a leader that takes the run over makes it again with the stage at hand: the stage alone tells nothing.
  if (own && own.level !== 'closed') return own.stage === stage.id ? DONE : ofEarlierStage(name);
  const against =
    membershipFailure(name, facts, pool) ?? leftLockedFailure(name, facts, owner, step.view.words);
  if (against) return against;
  if (!outage || !step.permitted) return { kind: 'blocked', reason: `${name} waits for its permit` };
  if (facts.claim && !own) {
    const reason = `${name} is held by ${ownerText(facts.claim.owner)}`;
    return { kind: 'blocked', reason, obstacle: 'HostClaimed' };
  }
  if (facts.spoiltClaim !== undefined)
    return { kind: 'blocked', reason: spoilt(step, facts.spoiltClaim), obstacle: 'HostClaimed' };
  const closedToNewWorkBefore =
    own?.closedToNewWorkBefore ?? foundClosed(facts, outage.closedToNewWorkBefore);
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
    ...(stopsInstances(plan, outage) ? { stopsInstances: true as const } : {}),
  };
  const effect = {
    kind: 'claim',
    key: keyOf(step, 'lock-hosts', ''),
    host: name,
    revision: facts.revision,
    claim,
  } as const;
  return ask(step, effect, `${outage.level === 'away' ? 'locking' : 'claiming'} ${name}`, {
    closedToNewWorkBefore,
    ...(isUntouched(outage) ? faultsOf(facts) : {}),
  });
}

/** A view that is late may still show the claim of an earlier stage of the host, which is not that of this one. */
function ofEarlierStage(name: string): Verdict {
  return { kind: 'blocked', reason: `${name} still has the claim of an earlier stage` };
}

/** Whether no fault of the host can come from this outage: the claim, if it is accepted, finds the host as it was before. */
function isUntouched({ jobs = [], manual = [], failedBefore = false }: HostProgress): boolean {
  return jobs.length === 0 && manual.length === 0 && !failedBefore;
}

/** A failure when the host has lost the claim of this run; undefined while it has it. */
export function claimLost({ facts, name, run, view }: HostStep): Verdict | undefined {
  if (!facts) return hostGone(name);
  if (facts.claim?.run === run) return undefined;
  if (facts.spoiltClaim !== undefined)
    return failed(`${name} lost the claim of this run: ${facts.spoiltClaim}`);
  return failed(view.words.says('claim-lost', name));
}

function spoilt({ name, view: { words } }: HostStep, why: string): string {
  const remedy = words.remedy('claim-spoilt', name);
  return `${words.says('claim-spoilt', name)}: ${why}; when nobody works on it, ${remedy}`;
}
