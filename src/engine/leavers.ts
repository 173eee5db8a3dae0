/**
 * Hosts that leave the cluster or the pool before their stage is done with them. There is nothing to patch there any
 * more: the stage records them, and goes on with its other hosts.
 */
import type { StageStatus } from '../crds/patch-strategy-status.ts';
import { statusText } from '../crds/status-text.ts';
import type { StepName } from '../crds/vocabulary.ts';
import type { HostName } from '../planner/facts.ts';
import { closeOutage, judgedBefore, opensOutage } from './outages.ts';
import type { Pass } from './pass.ts';
import { carriesOurMark } from './steps/unlock-hosts.ts';
import { hostGone, membershipFailure } from './steps/verdict.ts';

/** The hosts of a stage without those that have left. */
export function remainingHosts({ hosts = [], left = [] }: StageStatus): readonly HostName[] {
  return left.length === 0 ? hosts : hosts.filter((host) => left.every(({ name }) => name !== host));
}

/**
 * Records the hosts of the stage that have left, and drops their outages. A host that has failed before it left stays
 * failed: its removal is no repair.
 */
export function recordLeavers(pass: Pass, stage: StageStatus, step: StepName): void {
  if (!pass.profile.goesOnWithoutLeavers) return;
  for (const name of remainingHosts(stage)) {
    const reason = judgedBefore(pass, name) ? undefined : leftBecause(pass, stage, step, name);
    if (reason === undefined) continue;
    closeOutage(pass, name);
    stage.left = [...(stage.left ?? []), { name, reason: statusText(reason) }];
  }
}

/**
 * Why nothing is left to do on a host; undefined while there is. A host with a mark of ours stays: also a copy of the
 * mark on a new host must be removed. A host that was locked and lost its claim has not left either.
 */
function leftBecause(
  { run, turn, profile }: Pass,
  stage: StageStatus,
  step: StepName,
  name: HostName,
): string | undefined {
  const facts = turn.view.host(name);
  const outage = run.hosts.find((each) => each.name === name);
  if (!facts) return hostGone(name).reason;
  if (outage && carriesOurMark(facts, run.id)) return undefined;
  if (outage?.uid !== undefined && outage.uid !== facts.uid)
    return `${name} was removed, and another host has its name now`;
  const wasLocked = outage && !opensOutage(profile, stage, step);
  return wasLocked ? undefined : membershipFailure(name, facts, turn.pool)?.reason;
}
