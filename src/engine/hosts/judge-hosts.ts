import { PROTECTED_NAMESPACES } from '../../crds/host-pool.ts';
import type { StepStatus } from '../../crds/observed/step-status.ts';
import type { StageStatus } from '../../crds/observed/strategy-status.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { plannedStage } from '../../planner/plan.ts';
import type { HostVerdict } from '../evaluate.ts';
import type { Pass } from '../pass.ts';
import type { HostStep } from '../steps/verdict.ts';
import type { RunState } from '../run/run-state.ts';
import { opensOutage } from './outages.ts';
import { deadlineOf } from '../run/timers.ts';
import { allows } from '../turn.ts';
import type { Instant } from '../view.ts';

/** Judges these hosts of a stage in a step. */
export function judgeHosts(
  pass: Pass,
  stage: StageStatus,
  step: StepStatus,
  hosts: readonly HostName[],
  endsBy = deadlineOf(step),
): readonly HostVerdict[] {
  return pass.evaluate(step, hostSteps(pass, stage, step, hosts, endsBy), pass.profile.steps);
}

function hostSteps(
  { plan, profile, run, turn }: Pass,
  stage: StageStatus,
  step: StepStatus,
  hosts: readonly HostName[],
  endsBy: number,
): HostStep[] {
  const planStage = run.apply.currentStage;
  const rebooting = plannedStage(plan, planStage)?.steps.find(({ name }) => profile.steps[name]?.needsBootId);
  return hosts.map((name) => ({
    plan,
    run: run.id,
    pool: turn.pool,
    epoch: turn.epoch,
    owner: turn.owner,
    protectedNamespaces: turn.limits?.protectedNamespaces ?? PROTECTED_NAMESPACES,
    stage,
    planStage,
    opensOutage: opensOutage(profile, stage, step.name),
    rebootsIn: rebooting?.name,
    runStartedAt: runStartedAt(run),
    stepStartedAt: Date.parse(step.startTime ?? ''),
    stepDeadline: deadlineOf(step),
    endsBy,
    name,
    facts: turn.view.host(name),
    outage: run.hosts.find((each) => each.name === name),
    permitted: allows(turn.permits.held.get(name), stage.level ?? 'away'),
    judgesQuorum: profile.judgesQuorum,
    view: turn.view,
    outcomes: turn.outcomes,
    skipped: run.skipped,
    downloads: run.session?.downloads,
    now: turn.now,
  }));
}

/** When the run began to be carried out. */
export function runStartedAt({ apply }: RunState): Instant {
  return Date.parse(apply.startTime ?? '');
}
