import type { HostProgress } from '../../crds/host-progress.ts';
import { REBOOT } from '../../crds/vocabulary.ts';
import { unmetRequirements } from '../../planner/current.ts';
import type { HostFacts } from '../view.ts';
import { claimLost } from './lock-hosts.ts';
import { rebootAsked, rebootPending } from './reboot.ts';
import { unlockHost } from './unlock-hosts.ts';
import { newFaults } from './unwell.ts';
import { DONE, type HostStep, type Verdict } from './verdict.ts';

/**
 * Checks that the host is rebooted if a patch requires it (by its boot id, not by the Job), Ready and current, without
 * an alarm or a taint that it did not have before. A host of level touched is released here.
 */
export function verifyHost(step: HostStep): Verdict {
  const { outage, name } = step;
  if (!outage) return DONE;
  const lost = claimLost(step);
  // The release of a patched host: what befell it since is for the next step to judge, which watches released hosts.
  if (lost && outage.level === 'touched' && step.facts && undone(step, outage, step.facts).length === 0)
    return DONE;
  if (lost) return lost;
  const found = complaints(step, outage);
  if (found.length === 0) return outage.level === 'touched' ? unlockHost(step) : DONE;
  const reason = `${name}: ${found.join('; ')}`;
  return rebootPending(step, outage) ? { kind: 'wait', reason } : { kind: 'blocked', reason };
}

function complaints(step: HostStep, outage: HostProgress): string[] {
  const { facts } = step;
  if (!facts) return ['no longer exists'];
  const [notRebooted, lacking] = [withoutReboot(step, outage, facts), patchesLacking(step, outage, facts)];
  return [...notRebooted, ...newFaults(facts, step), ...lacking];
}

/** The parts of the work that the host does not show. */
function undone(step: HostStep, outage: HostProgress, facts: HostFacts): string[] {
  return [...withoutReboot(step, outage, facts), ...patchesLacking(step, outage, facts)];
}

function patchesLacking({ plan }: HostStep, outage: HostProgress, facts: HostFacts): string[] {
  const patches = plan.actions.patches.filter(({ id }) => outage.patches?.includes(id));
  return patches.flatMap(({ id, current }) =>
    unmetRequirements(current, facts.facts).map((unmet) => `lacks ${id} (${unmet})`),
  );
}

function withoutReboot(step: HostStep, outage: HostProgress, { bootId }: HostFacts): string[] {
  const isMissing = rebootAsked(step, outage) && bootId === outage.bootIdBefore;
  return isMissing ? [`has not rebooted (boot id still ${bootId}${rebootFailure(outage)})`] : [];
}

function rebootFailure({ jobs }: HostProgress): string {
  const job = jobs?.find(({ action }) => action === REBOOT);
  return job?.result === 'failed' ? `; Job ${job.name} failed: ${job.reason ?? 'no reason is known'}` : '';
}
