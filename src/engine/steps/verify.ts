import type { HostProgress } from '../../crds/observed/host-progress.ts';
import { REBOOT } from '../../crds/vocabulary.ts';
import { unmetRequirements } from '../../planner/hosts/current.ts';
import { claimLost } from './lock-hosts.ts';
import type { HostFacts } from '../view.ts';
import { isUnrebooted, rebootPending } from './reboot.ts';
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
  // Our own release. What befell the host since is for the next step to judge, which watches released hosts.
  if (lost && step.facts && outage.verified) return DONE;
  const found = complaints(step, outage);
  if (lost) return outage.level === 'touched' && found.length === 0 ? DONE : lost;
  if (found.length === 0) return outage.level === 'touched' ? releaseVerified(step) : DONE;
  const reason = `${name}: ${found.join('; ')}`;
  return rebootPending(step, outage) ? { kind: 'wait', reason } : { kind: 'blocked', reason };
}

/** The same checks, without a release. */
export function checkHost(step: HostStep): Verdict {
  const { outage, name } = step;
  if (!outage) return DONE;
  const lost = claimLost(step);
  if (lost) return lost;
  const found = complaints(step, outage);
  if (found.length === 0) return DONE;
  const reason = `${name}: ${found.join('; ')}`;
  return rebootPending(step, outage) ? { kind: 'wait', reason } : { kind: 'blocked', reason };
}

/** Records that the host was verified: once it is released, it has no claim by which that could be told. */
export function releaseVerified(step: HostStep): Verdict {
  const verdict = unlockHost(step);
  if (verdict.kind !== 'act') return verdict;
  return { ...verdict, progress: { ...verdict.progress, verified: true } };
}

function complaints(step: HostStep, outage: HostProgress): string[] {
  const { facts, plan } = step;
  if (!facts) return ['no longer exists'];
  const patches = plan.actions.patches.filter(({ id }) => outage.patches?.includes(id));
  const lacking = patches.flatMap(({ id, current }) =>
    unmetRequirements(current, facts.facts).map((unmet) => `lacks ${id} (${unmet})`),
  );
  return [
    ...(isUnrebooted(step, outage) ? [`has not rebooted (${unrebootedBecause(facts, outage)})`] : []),
    ...newFaults(facts, step),
    ...lacking,
  ];
}

function unrebootedBecause({ bootId }: HostFacts, { jobs }: HostProgress): string {
  const job = jobs?.find(({ action }) => action === REBOOT);
  const failure = job?.result === 'failed' && `Job ${job.name} failed: ${job.reason ?? 'no reason is known'}`;
  return [bootId !== undefined && `boot id still ${bootId}`, failure].filter(Boolean).join('; ');
}
