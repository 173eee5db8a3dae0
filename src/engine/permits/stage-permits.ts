/** The permits of a stage: its first outage waits until each host has one, or until the step ends without them. */
import type { StageStatus } from '../../crds/observed/strategy-status.ts';
import { remainingHosts } from '../hosts/leavers.ts';
import { isAborting, noteReason, wakeAt, type Pass } from '../pass.ts';
import { failedBecause, type PartEnding } from '../run/results.ts';
import type { Running } from '../run/run-state.ts';
import { isStaging } from '../hosts/staging-budget.ts';
import { leftLockedFailure, membershipFailure } from '../steps/verdict.ts';
import { dueTimer, nextDeadline } from '../run/timers.ts';
import { allows, type Wants } from '../turn.ts';

/**
 * Why a restarted stage may take no further hosts: an order holds it back since. It cannot be reset to its beginning as
 * other stages are, because it still has locked hosts to decide about.
 */
export function againstFurtherHosts({ run, turn }: Pass, stage: StageStatus): string | undefined {
  const isWhole = remainingHosts(stage).every((host) => run.hosts.some(({ name }) => name === host));
  return run.hosts.length === 0 || isWhole ? undefined : turn.order.heldBack?.message;
}

/** Whether each host of the stage is in an outage already, or has a permit for one. */
export function mayTakeAll({ run, turn }: Pass, stage: StageStatus): boolean {
  const isOpen = (host: string): boolean => run.hosts.some(({ name }) => name === host);
  const { level = 'away' } = stage;
  const isPermitted = (host: string): boolean =>
    run.state === 'applying' && allows(turn.permits.held.get(host), level);
  return remainingHosts(stage).every((host) => isOpen(host) || isPermitted(host));
}

/** The permits that a stage wants for its hosts. */
export function wantsOf(stage: StageStatus): Wants['permits'] {
  const { level = 'away' } = stage;
  const stopsNothing = isStaging(stage);
  return { hosts: remainingHosts(stage), level, ...(stopsNothing ? { stopsNothing } : {}) };
}

/** Asks for the permits of the stage, unless the step ends without them. */
export function waitForPermits(pass: Pass, running: Running): PartEnding | undefined {
  if (isAborting(pass)) return { result: 'aborted' };
  const { view, pool, owner } = pass.turn;
  const hosts = remainingHosts(running.stage);
  const failures = hosts.flatMap((name) => {
    const facts = view.host(name);
    const failure = membershipFailure(name, facts, pool) ?? leftLockedFailure(name, facts, owner, view.words);
    return failure ?? [];
  });
  if (failures.length > 0) return failedBecause(failures.map(({ reason: why }) => why));
  pass.lacks = { ...wantsOf(running.stage), hosts };
  const reason = `waiting for permits: ${pass.turn.permits.refusal ?? 'asked for'}`;
  const due = dueTimer(running, pass.turn.now);
  if (due) return pass.profile.timeOut(due, reason);
  pass.asked = pass.lacks;
  noteReason(pass, reason, 'WaitingForPermits');
  wakeAt(pass, nextDeadline(running));
  return undefined;
}
