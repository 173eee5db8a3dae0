import { updateConditions, type ConditionWish, type Reason } from '../crds/conditions.ts';
import { planActions } from '../crds/patch-strategy-spec.ts';
import type { PatchStrategyStatus, PhaseStatus } from '../crds/patch-strategy-status.ts';
import type { RunState } from '../engine/run-state.ts';
import { deadlineOf } from '../engine/run-step.ts';
import type { Plan, Stage } from '../planner/plan.ts';

/** What stands in `status.run`. */
export type RunRecord = NonNullable<PatchStrategyStatus['run']>;

/** The run as the status keeps it; undefined when the status holds none. */
export function runOf(status: PatchStrategyStatus): RunState | undefined {
  const { run, state, currentPhase, applyPhase, abortPhase, progress } = status;
  if (!run?.actions || !state || !currentPhase || !applyPhase) return undefined;
  return {
    id: run.id,
    state,
    currentPhase,
    apply: applyPhase,
    abort: abortPhase,
    hosts: progress?.hosts ?? [],
  };
}

/** The plan as the status keeps it: what it was built from, whatever became of the spec. */
export function planOf(record: RunRecord, run: RunState): Plan {
  const stages = run.apply.stages.map(
    ({ name, hosts = [], patches = [], level = 'away', steps, timeoutSeconds }): Stage => ({
      name,
      hosts,
      patches,
      level,
      steps: steps.map((step) => ({ name: step.name, timeoutSeconds: step.timeoutSeconds })),
      timeoutSeconds,
    }),
  );
  return { digest: record.planDigest, stages, actions: planActions.parse(record.actions) };
}

/** The status that shows a run, beside what of the status before stays as it is. */
export function statusOfRun(
  before: PatchStrategyStatus,
  run: RunState,
  reasons: readonly string[],
  generation: number,
  now: string,
): PatchStrategyStatus {
  const phase = { build: before.buildPhase, apply: run.apply, abort: run.abort }[run.currentPhase];
  const message = messageOf(run, reasons, before.message);
  const { progress: _progress, abortPhase: _abort, ...kept } = before;
  return {
    ...kept,
    observedGeneration: generation,
    state: run.state,
    stages: `${String(stagesDone(run.apply))}/${String(run.apply.totalStages)}`,
    message,
    currentPhase: run.currentPhase,
    completionPercentage: phase?.completionPercentage ?? 0,
    applyPhase: run.apply,
    ...(run.abort ? { abortPhase: run.abort } : {}),
    ...progressOf(run),
    conditions: updateConditions(before.conditions ?? [], conditionsOf(run, message), generation, now),
  };
}

function progressOf(run: RunState): Pick<PatchStrategyStatus, 'progress'> {
  const phase = run.currentPhase === 'abort' && run.abort ? run.abort : run.apply;
  const stage = phase.stages[phase.currentStage];
  const step = stage?.steps[stage.currentStep];
  const open = stage?.inProgress === true && step !== undefined;
  const shown = open ? step : stage?.steps.findLast((each) => each.result !== 'initial');
  if (!stage || !shown || (!open && run.hosts.length === 0)) return {};
  const deadline =
    open && step.result === 'wait' ? { deadline: new Date(deadlineOf(step)).toISOString() } : {};
  return { progress: { stage: stage.id, step: shown.name, ...deadline, hosts: [...run.hosts] } };
}

function stagesDone(phase: PhaseStatus): number {
  return phase.stages.filter((stage) => stage.result === 'success' && !stage.inProgress).length;
}

function messageOf(run: RunState, reasons: readonly string[], before = ''): string {
  const { apply, state } = run;
  const stage = apply.stages[apply.currentStage];
  const lockedHosts = run.hosts.map(({ name }) => name).join(', ');
  const stay = lockedHosts
    ? `; ${lockedHosts} stay locked until execution.mode is Abort, or kubectl uncordon`
    : '';
  switch (state) {
    case 'applying':
      if (!stage?.inProgress)
        return `${String(stagesDone(apply))} of ${String(apply.totalStages)} stages done; waits before stage ${String(apply.currentStage)}`;
      return clip(
        `stage ${String(stage.id)}, ${stage.steps[stage.currentStep]?.name ?? ''}: ${[...new Set(reasons)].join('; ')}`,
      );
    case 'applied':
      return apply.totalStages === 0
        ? 'nothing to do: no host that the plan is about lacks a patch'
        : 'all hosts of the plan are patched';
    case 'apply-failed':
    case 'apply-timeout':
      return clip(`${apply.reason ?? 'failed'}${stay}`);
    case 'aborting':
      return clip(`releasing hosts: ${[...new Set(reasons)].join('; ') || 'the running step ends first'}`);
    case 'aborted':
      return 'aborted, no host is held; set execution.mode to Hold for a new plan';
    case 'abort-failed':
    case 'abort-timeout':
      return clip(
        `${run.abort?.reason ?? 'the abort failed'}; set execution.mode to Hold and then to Abort again, or kubectl uncordon`,
      );
    default:
      return before;
  }
}

/** Ready, Reconciling and Stalled for the states of a run (kubernetes-conventions §1.5). */
export function conditionsOf(run: RunState, message: string): ConditionWish[] {
  switch (run.state) {
    case 'ready-to-apply':
      return wishes('AwaitingApproval', message, {});
    case 'applying': {
      const paused = run.apply.currentStage >= run.apply.stopAtStage;
      return paused
        ? wishes('PausedAtStage', message, {})
        : wishes('Applying', message, { reconciling: true });
    }
    case 'applied':
      return wishes(run.apply.totalStages === 0 ? 'NothingToDo' : 'Applied', message, { ready: true });
    case 'aborting':
      return wishes('Aborting', message, { reconciling: true });
    case 'aborted':
      return wishes('Aborted', message, { stalled: true });
    case 'abort-failed':
    case 'abort-timeout':
      return wishes('AbortFailed', message, { stalled: true });
    case 'building':
      return wishes('Building', message, { reconciling: true });
    case 'build-failed':
      return wishes('BuildFailed', message, { stalled: true });
    case 'apply-failed':
    case 'apply-timeout':
      return wishes('ApplyFailed', message, { stalled: true });
  }
}

/** The three conditions; at most one of them is True. */
export function wishes(
  reason: Reason,
  message: string,
  is: { readonly ready?: boolean; readonly reconciling?: boolean; readonly stalled?: boolean },
): ConditionWish[] {
  const calm = { reason: 'AsExpected', message: '' } as const;
  return [
    { type: 'Ready', status: is.ready ? 'True' : 'False', reason, message },
    {
      type: 'Reconciling',
      status: is.reconciling ? 'True' : 'False',
      ...(is.reconciling ? { reason, message } : calm),
    },
    { type: 'Stalled', status: is.stalled ? 'True' : 'False', ...(is.stalled ? { reason, message } : calm) },
  ];
}

function clip(text: string): string {
  return text.length <= 2048 ? text : `${text.slice(0, 2047)}…`;
}
