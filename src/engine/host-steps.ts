import type { StageStatus, StepStatus } from '../crds/patch-strategy-status.ts';
import type { HostName } from '../planner/facts.ts';
import type { Pass } from './pass.ts';
import type { HostStep } from './steps/verdict.ts';
import { deadlineOf } from './timers.ts';

/** What a step may look at, for each of the hosts. */
export function hostSteps(
  pass: Pass,
  stage: StageStatus,
  step: StepStatus,
  hosts: readonly HostName[],
  endsBy = deadlineOf(step),
): HostStep[] {
  const { plan, run, turn } = pass;
  return hosts.map((name) => ({
    plan,
    run: run.id,
    pool: turn.pool,
    epoch: turn.epoch,
    owner: turn.owner,
    stage,
    planStage: run.apply.currentStage,
    stepStartedAt: Date.parse(step.startTime ?? ''),
    stepDeadline: deadlineOf(step),
    endsBy,
    name,
    facts: turn.view.host(name),
    outage: run.hosts.find((each) => each.name === name),
    permitted: turn.permits.held.has(name),
    view: turn.view,
    outcomes: turn.outcomes,
    now: turn.now,
  }));
}
