import { updateConditions, type DesiredCondition, type Reason } from '../crds/conditions.ts';
import { planActions } from '../crds/patch-strategy-spec.ts';
import type { HostProgress, PatchStrategyStatus, PhaseStatus } from '../crds/patch-strategy-status.ts';
import { truncate } from '../crds/truncate.ts';
import type { Answer } from '../engine/requests.ts';
import type { RunState } from '../engine/run-state.ts';
import { nextDeadline } from '../engine/timers.ts';
import type { HeldBack } from '../engine/turn.ts';
import { memoizeByObject } from '../planner/memoize-by-object.ts';
import type { Plan, Stage } from '../planner/plan.ts';
import { withAnswers } from './requests.ts';

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
    authority: run.authority,
    abortedIn: run.abortedIn,
    suspendedSince: run.suspendedSince,
    lastObservedTime: run.lastObservedTime,
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
  return { digest: record.planDigest, stages, actions: actionsOf(record) };
}

/** The actions of the plan that a record is about; several ask in each pass. */
export const actionsOf = memoizeByObject(({ actions }: RunRecord) => planActions.parse(actions));

/** What of a decision the status shows beside the run itself. */
export type Shown = {
  /** What is waited for. */
  readonly reasons: readonly string[];
  readonly heldBack?: HeldBack | undefined;
  readonly answers?: readonly Answer[];
  /** The ids of the requests that stand in the annotations. */
  readonly placedIds?: ReadonlySet<string>;
};

/** The status that shows a run, beside what of the status before stays as it is. */
export function statusOfRun(
  before: PatchStrategyStatus,
  run: RunState,
  { reasons, heldBack, answers = [], placedIds = new Set() }: Shown,
  generation: number,
  now: string,
): PatchStrategyStatus {
  const phase = { build: before.buildPhase, apply: run.apply, abort: run.abort }[run.currentPhase];
  const message = messageOf(run, reasons, before.message, heldBack?.message);
  const { progress: _progress, abortPhase: _abort, run: record, ...kept } = before;
  return {
    ...kept,
    ...(record ? { run: recordOf(record, run) } : {}),
    ...withAnswers(before.requests, answers, now, placedIds),
    observedGeneration: generation,
    state: run.state,
    stages: `${String(stagesDone(run.apply))}/${String(run.apply.totalStages)}`,
    message,
    currentPhase: run.currentPhase,
    completionPercentage: phase?.completionPercentage ?? 0,
    applyPhase: run.apply,
    ...(run.abort ? { abortPhase: run.abort } : {}),
    ...progressOf(run),
    conditions: updateConditions(
      before.conditions ?? [],
      conditionsOf(run, message, heldBack),
      generation,
      now,
    ),
  };
}

/** The status of a strategy that cannot go on, whatever became of its run. */
export function stalledStatus(
  before: PatchStrategyStatus,
  reason: Reason,
  message: string,
  generation: number,
  now: string,
): PatchStrategyStatus {
  const wish = conditionsFor(reason, message, { stalled: true }, runOf(before)?.hosts);
  const conditions = updateConditions(before.conditions ?? [], wish, generation, now);
  return { ...before, observedGeneration: generation, message, conditions };
}

function recordOf(record: RunRecord, run: RunState): RunRecord {
  const { authority, abortedIn, suspendedSince, lastObservedTime } = run;
  const {
    authority: _authority,
    abortedIn: _aborted,
    suspendedSince: _suspended,
    lastObservedTime: _looked,
    ...kept
  } = record;
  return {
    ...kept,
    ...(authority ? { authority } : {}),
    ...(abortedIn ? { abortedIn } : {}),
    ...(suspendedSince ? { suspendedSince } : {}),
    ...(lastObservedTime ? { lastObservedTime } : {}),
  };
}

function progressOf(run: RunState): Pick<PatchStrategyStatus, 'progress'> {
  const abort = run.currentPhase === 'abort' ? run.abort : undefined;
  // An abort that has ended, or had nothing to give back, still leaves hosts that failed: they stand in their stage.
  const phase = abort?.stages[abort.currentStage] ? abort : run.apply;
  const stage = phase.stages[phase.currentStage];
  const step = stage?.steps[stage.currentStep];
  const open = stage?.inProgress === true && step !== undefined;
  const shown = open
    ? step
    : (stage?.steps.findLast(({ result }) => result !== 'initial') ?? stage?.steps[0]);
  if (!stage || !shown || (!open && run.hosts.length === 0)) return {};
  const deadline =
    open && step.result === 'wait'
      ? { deadline: new Date(nextDeadline({ phase, stage, step })).toISOString() }
      : {};
  return { progress: { stage: stage.id, step: shown.name, ...deadline, hosts: [...run.hosts] } };
}

function stagesDone(phase: PhaseStatus): number {
  return phase.stages.filter((stage) => stage.result === 'success' && !stage.inProgress).length;
}

/** Stands between what a plan says of itself and why it may not begin. */
const NOT_YET = '; nothing begins yet: ';

function messageOf(run: RunState, reasons: readonly string[], before = '', heldBack?: string): string {
  const { apply, state } = run;
  const stage = apply.stages[apply.currentStage];
  const locked = stayLocked(run);
  switch (state) {
    case 'ready-to-apply': {
      const [plan = ''] = before.split(NOT_YET);
      return truncate(heldBack === undefined ? plan : `${plan}${NOT_YET}${heldBack}`);
    }
    case 'applying':
      if (run.suspendedSince) return reasons.join('; ');
      if (!stage?.inProgress) {
        const done = `${String(stagesDone(apply))} of ${String(apply.totalStages)} stages done`;
        return truncate(
          `${done}; waits before stage ${String(apply.currentStage)}${heldBack ? `: ${heldBack}` : ''}`,
        );
      }
      return truncate(
        `stage ${String(stage.id)}, ${stage.steps[stage.currentStep]?.name ?? ''}: ${[...new Set(reasons)].join('; ')}`,
      );
    case 'applied':
      return apply.totalStages === 0
        ? 'nothing to do: no host that the plan is about lacks a patch'
        : 'all hosts of the plan are patched';
    case 'apply-failed':
    case 'apply-timeout':
      return truncate(
        (apply.reason ?? 'failed') +
          (locked ? `; ${locked} until a request release-host, an abort, or kubectl uncordon` : ''),
      );
    case 'aborting':
      return truncate(
        `releasing hosts: ${[...new Set(reasons)].join('; ') || 'the running step ends first'}`,
      );
    case 'aborted':
      return run.abortedIn === 'Hold'
        ? 'aborted, no host is held; place the request apply-all or approve, or edit the spec, for a new plan'
        : 'aborted, no host is held; set execution.mode to Hold for a new plan';
    case 'abort-failed':
    case 'abort-timeout':
      return truncate(
        `${run.abort?.reason ?? 'the abort failed'}; ` +
          (locked
            ? `${locked}: abort again (execution.mode Hold, then Abort), or kubectl uncordon`
            : 'no host is held any more; set execution.mode to Hold for a new plan'),
      );
    default:
      return before;
  }
}

function stayLocked({ hosts }: RunState): string | undefined {
  if (hosts.length === 0) return undefined;
  return `${hosts.map(({ name }) => name).join(', ')} ${hosts.length === 1 ? 'stays' : 'stay'} locked`;
}

/** The conditions for the states of a run (docs/guides/gitops.md). */
function conditionsOf(run: RunState, message: string, heldBack: HeldBack | undefined): DesiredCondition[] {
  const wish = (reason: Reason, is: Is): DesiredCondition[] => conditionsFor(reason, message, is, run.hosts);
  switch (run.state) {
    case 'ready-to-apply':
      return heldBack ? wish(heldBack.reason, heldIs(heldBack)) : wish('AwaitingApproval', {});
    case 'applying':
      if (run.suspendedSince) return wish('Suspended', {});
      if (run.apply.currentStage < run.apply.stopAtStage) return wish('Applying', { reconciling: true });
      return heldBack ? wish(heldBack.reason, heldIs(heldBack)) : wish('PausedAtStage', {});
    case 'applied':
      return wish(run.apply.totalStages === 0 ? 'NothingToDo' : 'Applied', { ready: true });
    case 'aborting':
      return wish('Aborting', { reconciling: true });
    case 'aborted':
      return wish('Aborted', { stalled: true });
    case 'abort-failed':
    case 'abort-timeout':
      return wish('AbortFailed', { stalled: true });
    case 'building':
      return wish('Building', { reconciling: true });
    case 'build-failed':
      return wish('BuildFailed', { stalled: true });
    case 'apply-failed':
    case 'apply-timeout':
      return wish('ApplyFailed', { stalled: true });
  }
}

/** Whether what holds a run back ends by itself, or only when something is mended; else it waits for a person. */
function heldIs({ reason }: HeldBack): Is {
  const stalled = reason === 'NotPermitted' || reason === 'Overlap' || reason === 'PoolNotFound';
  return { stalled, reconciling: reason === 'Building' };
}

type Is = { readonly ready?: boolean; readonly reconciling?: boolean; readonly stalled?: boolean };

/** Ready, Reconciling and Stalled, of which at most one is True; and whether somebody opened one of our hosts. */
export function conditionsFor(
  reason: Reason,
  message: string,
  is: Is,
  hosts: readonly HostProgress[] = [],
): DesiredCondition[] {
  const calm = { reason: 'AsExpected', message: '' } as const;
  const opened = hosts.filter(({ uncordoned }) => uncordoned);
  const told = truncate(opened.map((host) => `${host.name}: ${host.reason ?? ''}`).join('; '));
  return [
    { type: 'Ready', status: is.ready ? 'True' : 'False', reason, message },
    {
      type: 'Reconciling',
      status: is.reconciling ? 'True' : 'False',
      ...(is.reconciling ? { reason, message } : calm),
    },
    { type: 'Stalled', status: is.stalled ? 'True' : 'False', ...(is.stalled ? { reason, message } : calm) },
    {
      type: 'ForeignUncordon',
      status: opened.length > 0 ? 'True' : 'False',
      ...(opened.length > 0 ? ({ reason: 'HostUncordoned', message: told } as const) : calm),
    },
  ];
}
