import { counted } from '../../crds/text/counted.ts';
import type { Finding } from '../../crds/observed/finding.ts';
import type { PhaseStatus, StageStatus } from '../../crds/observed/strategy-status.ts';
import type { StrategyWords } from '../../crds/text/strategy-words.ts';
import { ABORT_ANNOTATION } from '../../crds/names.ts';
import { statusText } from '../../crds/text/status-text.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { countsHosts } from '../../planner/plan.ts';
import { hasNobodyLeft } from '../../engine/hosts/leavers.ts';
import { skippedBecause } from '../../engine/hosts/skips.ts';
import { currentStage, type RunState } from '../../engine/run/run-state.ts';
import { computeHosts } from '../../engine/session/session-state.ts';
import { waitsForStage, waitsToBegin, type StandingOrder } from './waiting.ts';

export type MessageInput = {
  /** The plan in one sentence. */
  readonly summary: string;
  /** What the run waits for, one sentence each. */
  readonly reasons: readonly string[];
  readonly order: StandingOrder;
  /** How a person opens a host that is kept locked. */
  readonly openRemedy: string | undefined;
  /** The words of its strategy. */
  readonly words: StrategyWords;
  /** The hosts that lack a patch or the release after the run was applied. */
  readonly lacking?: readonly HostName[];
  /** What will block the plan or hurt it, while it waits. */
  readonly findings?: readonly Finding[];
};

/** The progress of a run, or what it waits for, in one sentence. */
export function messageOf(
  run: RunState,
  { summary, reasons, order, openRemedy, words, lacking, findings = [] }: MessageInput,
): string {
  switch (run.state) {
    case 'ready-to-apply':
      return sentence([
        summary,
        waitsToBegin(run, order).message,
        findingsMessage(findings, order.heldBack?.message),
      ]);
    case 'applying':
      return applyingMessage(run, reasons, order);
    case 'applied':
      return sentence([appliedMessage(run, words), driftMessage(words, lacking)]);
    case 'apply-failed':
    case 'apply-timeout':
      return sentence([
        statusText(run.apply.reason ?? 'failed', LONGEST_CAUSE),
        ...failedRemedies(run, order, openRemedy),
      ]);
    case 'aborting': {
      const waitsFor = [...new Set(reasons)].join('; ') || 'the running step ends first';
      return sentence([run.abortedBecause, `releasing hosts: ${waitsFor}`]);
    }
    case 'aborted':
      return sentence([
        run.abortedBecause,
        'aborted, no host is held',
        forNewPlan(run, order),
        canGoBack(run) ? words.wayBack : undefined,
      ]);
    case 'abort-failed':
    case 'abort-timeout':
      return sentence([
        run.abortedBecause,
        statusText(run.abort?.reason ?? 'the abort failed', LONGEST_CAUSE),
        ...abortRemedies(run, order, openRemedy),
      ]);
    case 'building':
    case 'build-failed':
      return summary;
  }
}

/** The cause of a failure leaves room for what ends it. */
const LONGEST_CAUSE = 600;

function sentence(parts: readonly (string | undefined)[]): string {
  return statusText(parts.filter((part) => part !== undefined && part !== '').join('; '));
}

function applyingMessage(run: RunState, reasons: readonly string[], order: StandingOrder): string {
  const { apply, suspendedSince } = run;
  if (suspendedSince !== undefined)
    return sentence([reasons.join('; ') || 'suspended', 'set execution.mode to Hold or Run to go on']);
  const stage = currentStage(apply);
  if (!stage?.inProgress) {
    const done = `${String(stagesDone(apply))} of ${counted(apply.totalStages, 'stage')} done`;
    const why = reasons.join('; ') || waitsForStage(run, order).message;
    return sentence([done, `waits before stage ${String(apply.currentStage)}: ${why}`]);
  }
  const now = [...new Set([...reasons, ...leaversOf([stage])])].join('; ') || 'under way';
  const isLast = apply.currentStage + 1 >= apply.totalStages;
  const { heldBack } = order;
  return sentence([
    `stage ${String(stage.id)}, ${stage.steps[stage.currentStep]?.name ?? ''}: ${now}`,
    heldBack && !isLast ? `no further stage begins: ${heldBack.message}` : undefined,
  ]);
}

/** What ends a failed run: first what goes on with it, then what gives up a host, last what gives up the run. */
function failedRemedies(run: RunState, { mode, heldBack }: StandingOrder, openRemedy?: string): string[] {
  const locked = stayLocked(run);
  const first = heldBack?.message ?? (mode === 'Suspend' ? 'execution.mode is Suspend' : undefined);
  const givenBack = [
    'a request release-host or skip-host',
    ...(openRemedy === undefined ? [] : [openRemedy]),
  ];
  return [
    ...(first === undefined ? [] : [`a retry has to wait for this, too: ${first}`]),
    `see to the cause, then place the request ${locked ? 'retry or resume' : 'retry, or abort the run'}`,
    ...(locked ? [`${locked} until then, or until ${givenBack.join(', ')}, or an abort of the run`] : []),
  ];
}

/** An abort may be placed in any mode, and as often as it is needed. */
function abortRemedies(run: RunState, order: StandingOrder, openRemedy?: string): string[] {
  const locked = stayLocked(run);
  if (locked === undefined) return ['no host is held any more', forNewPlan(run, order)];
  const orOpen = openRemedy === undefined ? '' : `, or ${openRemedy}`;
  return [`${locked}: place the request release-host, abort again (annotation ${ABORT_ANNOTATION})${orOpen}`];
}

/** How an aborted strategy gets another plan (`rebuildNeeded`). */
function forNewPlan({ abortedIn }: RunState, { mode }: StandingOrder): string {
  const request = 'place the request apply-all or approve, or edit the spec, for a new plan';
  if (abortedIn === 'Hold') return mode === 'Abort' ? `set execution.mode to Hold, then ${request}` : request;
  return mode === 'Hold' ? 'a new plan is made now' : 'set execution.mode to Hold for a new plan';
}

/** Whether hosts were done before the abort, and nothing has ended the upgrade for all. */
function canGoBack({ apply: { stages, earlier } }: RunState): boolean {
  const isEnding = stages.some(
    ({ name, startTime }) => name === 'sw-upgrade-complete' && startTime !== undefined,
  );
  const isDone = stages.some((stage) => countsHosts(stage) && stage.result === 'success');
  return !isEnding && (isDone || (earlier?.hosts ?? 0) > 0);
}

function appliedMessage(run: RunState, { done: madeSo, lacks }: StrategyWords): string {
  const { apply } = run;
  const { stages, earlier } = apply;
  if (stages.length === 0) return `nothing to do: no host that the plan is about ${lacks}`;
  const leftBefore = earlier?.left ?? 0;
  const left = [
    ...leaversOf(stages),
    ...neverWorkedOn(run, madeSo),
    ...(leftBefore > 0 ? [`${counted(leftBefore, 'host')} of the stages in PlanStages left, too`] : []),
  ];
  if (left.length === 0) return `all hosts of the plan are ${madeSo}`;
  const done = hasNobodyLeft(apply)
    ? 'no host of the plan is left'
    : `all hosts of the plan that are left are ${madeSo}`;
  return `${done}: ${left.join('; ')}`;
}

/** Which hosts lack a patch or the release after the run was applied, and the remedy; undefined when none does. */
export function driftMessage(
  { act, lacks, lack }: StrategyWords,
  lacking: readonly HostName[] = [],
): string | undefined {
  if (lacking.length === 0) return undefined;
  const more = lacking.length > NAMED ? ` and ${String(lacking.length - NAMED)} more` : '';
  const who = `${counted(lacking.length, 'host')} ${lacking.length === 1 ? lacks : lack} since`;
  const names = lacking.slice(0, NAMED).join(', ');
  return `${who} (${names}${more}): place the request apply-all to ${act} ${lacking.length === 1 ? 'that host' : 'those hosts'}`;
}

const NAMED = 5;

/** The gravest findings, and how many more there are; undefined when none blocks or warns besides `heldBack`. */
function findingsMessage(findings: readonly Finding[], heldBack: string | undefined): string | undefined {
  const grave = findings.filter(
    ({ severity, reason }) => severity !== 'tells' && (heldBack === undefined || !HOLDS_BACK.has(reason)),
  );
  if (grave.length === 0) return undefined;
  const told = grave
    .slice(0, NAMED_FINDINGS)
    .map(({ severity, message, remedy }) => `${severity}: ${message} (${remedy})`);
  const more = grave.length - NAMED_FINDINGS;
  return [...told, ...(more > 0 ? [`${counted(more, 'more finding')} in .status.findings`] : [])].join('; ');
}

const NAMED_FINDINGS = 2;

/** The findings about what holds a run back. */
const HOLDS_BACK: ReadonlySet<Finding['reason']> = new Set(['NotPermitted', 'PoolPaused', 'PoolOverlap']);

/** How hosts of these stages left, one sentence for each of the first, and the number of the others. */
function leaversOf(stages: readonly StageStatus[]): string[] {
  const reasons = [...new Set(stages.flatMap(({ left = [] }) => left.map(({ reason }) => reason)))];
  return shortened(reasons);
}

/** The hosts of a session that are in no stage that says why they were left out. */
function neverWorkedOn(run: RunState, madeSo: string): string[] {
  const named = new Set(run.apply.stages.flatMap(({ left = [] }) => left.map(({ name }) => name)));
  const hosts = run.session ? computeHosts(run.session) : [];
  const reasons = hosts
    .filter(({ name, maintained }) => !maintained && !named.has(name))
    .map(({ name }) => skippedBecause({ run }, name) ?? `${name} was not ${madeSo}`);
  return shortened(reasons);
}

function shortened(reasons: readonly string[]): string[] {
  const more = reasons.length - NAMED;
  return [...reasons.slice(0, NAMED), ...(more > 0 ? [`and ${String(more)} more`] : [])];
}

function stayLocked({ hosts }: RunState): string | undefined {
  if (hosts.length === 0) return undefined;
  return `${hosts.map(({ name }) => name).join(', ')} ${hosts.length === 1 ? 'stays' : 'stay'} locked`;
}

function isDone({ result, inProgress }: StageStatus): boolean {
  return result === 'success' && !inProgress;
}

/** How many stages of a phase are done. */
export function stagesDone({ stages, earlier }: PhaseStatus): number {
  return (earlier?.stages ?? 0) + stages.filter(isDone).length;
}
