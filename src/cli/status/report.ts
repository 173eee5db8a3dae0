/** All that one screen says about a strategy. Pure. */
import type { TargetRelease } from '../../crds/spec/strategy-spec.ts';
import type { Finding } from '../../crds/observed/finding.ts';
import type { AnsweredRequest } from '../../crds/observed/answered-request.ts';
import type { StageStatus } from '../../crds/observed/strategy-status.ts';
import type { StepName } from '../../crds/vocabulary.ts';
import { remainingHosts } from '../../engine/hosts/leavers.ts';
import { isFinal, runningStage } from '../../engine/run/run-state.ts';
import { stagesDone } from '../../status/shown/message.ts';
import type { HostPool } from '../../resources/stored-pool.ts';
import { adviceFor, type Advice } from './advice.ts';
import { budgetAdvice, forbidding, type Budget, type Pod } from './budgets.ts';
import { commandsFor, type Called } from './commands.ts';
import { hostCounts, timesOf, type HostCounts, type Times } from './progress.ts';
import { sessionReport, type SessionReport } from './session-report.ts';
import {
  isDeleted,
  isObserved,
  pinnedElsewhere,
  reasonOf,
  standingOf,
  type Seen,
  type Standing,
} from './standing.ts';

export type OpenHost = {
  readonly name: string;
  readonly step: StepName;
  /** When the host was taken. */
  readonly since: string;
  /** When its step began. */
  readonly stepSince?: string;
  readonly failed: boolean;
  readonly reason: string;
};

export type OpenStage = {
  readonly id: number;
  readonly name: string;
  readonly step?: StepName;
  readonly since?: string;
  readonly attempt: number;
};

export type ShownStage = {
  readonly id: number;
  readonly result: StageStatus['result'];
  readonly inProgress: boolean;
  readonly hosts: readonly string[];
  readonly patches: readonly string[];
  readonly stepsDone: number;
  readonly stepsTotal: number;
};

export type StatusReport = {
  readonly strategyKind: string;
  /** Only of an upgrade. */
  readonly release?: TargetRelease;
  readonly namespace: string;
  readonly name: string;
  readonly pool: string;
  readonly mode: string;
  readonly standing: Standing;
  readonly state: string;
  readonly reason?: string;
  readonly message: string;
  readonly stagesDone: number;
  readonly stagesTotal: number;
  /** The stage that runs. */
  readonly stage?: OpenStage;
  readonly stages: readonly ShownStage[];
  readonly hosts: HostCounts;
  /** Only of a session. */
  readonly session?: SessionReport;
  readonly open: readonly OpenHost[];
  /** How hosts left the cluster or the pool. */
  readonly left: readonly string[];
  readonly times: Times;
  readonly findings: readonly Pick<Finding, 'severity' | 'reason' | 'message' | 'remedy'>[];
  readonly lastRequest?: AnsweredRequest;
  /** The budgets that keep pods on a host that is drained, each with its remedy. */
  readonly blockers: readonly Advice[];
  readonly todo: readonly Advice[];
};

/** What was read of the cluster besides the strategy. */
export type Surroundings = {
  /** Read where the strategy waits for permits, or drains hosts. */
  readonly pool?: HostPool | undefined;
  /** The pods on the hosts that are drained; none where they cannot be read. */
  readonly pods: ReadonlyMap<string, readonly Pod[]>;
  readonly budgets: readonly Budget[];
};
export const NO_SURROUNDINGS: Surroundings = { pods: new Map(), budgets: [] };

export function statusReport(
  strategy: Seen,
  called: Called & { readonly singular: string },
  now: number,
  { pods, budgets, pool }: Surroundings = NO_SURROUNDINGS,
): StatusReport {
  const { metadata, spec, status } = strategy;
  const commands = commandsFor({ ...metadata, singular: called.singular }, called);
  const apply = status.applyPhase;
  const stage = openStage(strategy);
  const reason = reasonOf(strategy);
  const session = sessionReport(strategy);
  const lastRequest = status.requests?.at(-1);
  return {
    strategyKind: strategy.kind,
    ...(spec.release ? { release: spec.release } : {}),
    namespace: metadata.namespace,
    name: metadata.name,
    pool: spec.poolRef,
    mode: spec.execution.mode,
    standing: standingOf(strategy),
    state: stateOf(strategy),
    ...(reason === undefined ? {} : { reason }),
    message: messageOf(strategy),
    stagesDone: apply ? stagesDone(apply) : 0,
    stagesTotal: apply?.totalStages ?? 0,
    ...(stage ? { stage } : {}),
    stages: (apply?.stages ?? []).map(shownStage),
    hosts: session
      ? { ...hostCounts(status), total: session.hosts, done: session.maintained }
      : hostCounts(status),
    ...(session ? { session } : {}),
    open: openHosts(strategy, stage?.since),
    left: (apply?.stages ?? []).flatMap(({ left = [] }) => left.map((each) => each.reason)),
    times: session ? withoutEstimate(timesOf(status, now)) : timesOf(status, now),
    findings: (status.findings ?? []).filter(({ severity }) => severity !== 'tells'),
    ...(lastRequest ? { lastRequest } : {}),
    blockers: forbidding(pods, budgets).map((each) => budgetAdvice(each, commands)),
    todo: adviceFor(strategy, commands, pool),
  };
}

/** Nobody knows how many stages a session will have. */
function withoutEstimate({ leftSeconds: _unknown, ...times }: Times): Times {
  return times;
}

function stateOf(strategy: Seen): string {
  if (isDeleted(strategy)) return 'being deleted';
  return strategy.status.state ?? 'no plan yet';
}

/** What the operator says; what only this command knows comes first. The findings are shown by themselves. */
function messageOf(strategy: Seen): string {
  const { message = '', run, state, findings = [] } = strategy.status;
  if (strategy.unreadable !== undefined) return strategy.unreadable;
  if (strategy.replacedStatus !== undefined && Object.keys(strategy.status).length === 0)
    return 'its status is that of another object, or of a version of Careen that this one cannot read';
  if (strategy.status.conditions === undefined) return '';
  if (!isObserved(strategy)) return `its spec was edited since; before: ${message}`;
  const isPlanOnly = state === 'ready-to-apply' && reasonOf(strategy) === 'AwaitingApproval';
  const tellsMore = pinnedElsewhere(strategy) || findings.length === 0;
  return isPlanOnly && !tellsMore ? (run?.summary ?? message) : message;
}

/** The running stage, of the abort while that is under way. */
function openStage({ status: { applyPhase, abortPhase, currentPhase } }: Seen): OpenStage | undefined {
  const phase = currentPhase === 'abort' ? abortPhase : applyPhase;
  const stage = phase && runningStage(phase);
  if (!stage) return undefined;
  const step = stage.steps[stage.currentStep];
  return {
    id: stage.id,
    name: stage.name,
    ...(step ? { step: step.name } : {}),
    ...(step?.startTime === undefined ? {} : { since: step.startTime }),
    attempt: stage.attempt ?? 1,
  };
}

function shownStage(stage: StageStatus): ShownStage {
  const { id, result, inProgress, patches = [], currentStep, totalSteps } = stage;
  return {
    ...{ id, result, inProgress, hosts: remainingHosts(stage), patches },
    ...{ stepsDone: currentStep, stepsTotal: totalSteps },
  };
}

function openHosts({ status: { progress } }: Seen, stepSince: string | undefined): OpenHost[] {
  return (progress?.hosts ?? []).map(({ name, step, since, result, reason = '' }) => {
    const failed = isFinal(result) && result !== 'success';
    return { name, step, since, failed, reason, ...(stepSince === undefined || failed ? {} : { stepSince }) };
  });
}
