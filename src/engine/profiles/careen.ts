/** The native profile. */
import type { HostProgress } from '../../crds/observed/host-progress.ts';
import type { Stage } from '../../planner/plan.ts';
import { currentStage, isFinal, isStillFailed } from '../run/run-state.ts';
import { timeoutOver } from '../../planner/stage-steps.ts';
import { statusText } from '../../crds/text/status-text.ts';
import type { EngineProfile, Pass, Progressing } from '../pass.ts';
import { endedPercentage } from '../run/stage-folds.ts';
import { STEP_DEFINITIONS } from '../steps/definitions.ts';
import { unlockStep } from '../steps/unlock-hosts.ts';
import { extendDeadlinesByGap } from '../run/timers.ts';
import { refusal } from './careen-refusals.ts';

export const CAREEN_ENGINE: EngineProfile = {
  steps: STEP_DEFINITIONS,
  goesOnWithoutLeavers: true,
  judgesQuorum: true,
  earlyResults: false,
  completionPercentage,
  phaseReason: (stage, { reason = '' }) => `stage ${String(stage)}: ${reason}`,
  timeOut: ({ timer, timeoutSeconds }, waitedFor) => {
    const whose = timer === 'step' ? '' : ` of the whole ${timer}`;
    return {
      result: 'timed-out',
      reason: statusText(`after ${String(timeoutSeconds)} s${whose}: ${waitedFor}`),
    };
  },
  afterDowntime: extendDeadlinesByGap,
  onFailure: 'hold',
  onAbort: nothing,
  onSecondAbort: nothing,
  undo,
  refusal,
};

function nothing(): void {
  return;
}

/**
 * The percentage of ended steps, rounded down. Unlike in the VIM, a phase that has not begun shows 0, and a failed one
 * keeps its percentage.
 */
function completionPercentage(phase: Progressing): number {
  return endedPercentage(phase) ?? (isFinal(phase.result) ? 100 : 0);
}

/** One stage that unlocks every host in an open outage. It has the name of the stage that locked them. */
function undo({ run, plan, turn }: Pass): readonly Stage[] {
  const interrupted = currentStage(run.apply);
  // The deletion of a strategy decides nothing about its failed hosts: they are left locked.
  const hasFailed = (host: HostProgress): boolean => isFinal(host.result) || isStillFailed(host);
  const released = run.hosts.filter((host) => !turn.order.finalizing || !hasFailed(host));
  if (released.length === 0 || !interrupted) return [];
  const steps = [unlockStep(plan.actions.timing)];
  return [
    {
      name: interrupted.name,
      hosts: released.map(({ name }) => name),
      patches: [],
      level: 'away',
      steps,
      timeoutSeconds: timeoutOver(steps),
    },
  ];
}
