import { counted } from '../crds/counted.ts';
import type { Finding } from '../crds/finding.ts';
import type { PhaseStatus, StageStatus } from '../crds/patch-strategy-status.ts';
import { statusText } from '../crds/status-text.ts';
import type { HostName } from '../planner/facts.ts';
import { remainingHosts } from '../engine/leavers.ts';
import type { RunState } from '../engine/run-state.ts';

export type MessageInput = {
  /** The plan in one sentence. */
  readonly summary: string;
  /** What the run waits for, one sentence each. */
  readonly reasons: readonly string[];
  /** Why nothing further may begin. */
  readonly heldBack: string | undefined;
  /** How a person opens a host that is kept locked. */
  readonly openRemedy: string | undefined;
  /** The hosts that lack a patch after the run was applied. */
  readonly lacking?: readonly HostName[];
  /** What will block the plan or hurt it, while it waits. */
  readonly findings?: readonly Finding[];
};

/** The progress of a run, or what it waits for, in one sentence. */
export function messageOf(
  run: RunState,
  { summary, reasons, heldBack, openRemedy, lacking, findings = [] }: MessageInput,
): string {
  const { apply, state } = run;
  const stage = apply.stages[apply.currentStage];
  const locked = stayLocked(run);
  const orOpen = openRemedy === undefined ? '' : `, or ${openRemedy}`;
  switch (state) {
    case 'ready-to-apply':
      return statusText(
        [summary, heldBack && `nothing begins yet: ${heldBack}`, findingsMessage(findings, heldBack)]
          .filter(Boolean)
          .join('; '),
      );
    case 'applying':
      if (run.suspendedSince) return statusText(reasons.join('; '));
      if (!stage?.inProgress) {
        const done = `${String(stagesDone(apply))} of ${counted(apply.totalStages, 'stage')} done`;
        return statusText(
          `${done}; waits before stage ${String(apply.currentStage)}${heldBack ? `: ${heldBack}` : ''}`,
        );
      }
      return statusText(
        `stage ${String(stage.id)}, ${stage.steps[stage.currentStep]?.name ?? ''}: ` +
          [...new Set([...reasons, ...leaversOf([stage])])].join('; '),
      );
    case 'applied':
      return statusText([appliedMessage(run), driftMessage(lacking)].filter(Boolean).join('; '));
    case 'apply-failed':
    case 'apply-timeout':
      return statusText(
        (apply.reason ?? 'failed') +
          (locked ? `; ${locked} until a request release-host or skip-host, an abort${orOpen}` : ''),
      );
    case 'aborting':
      return statusText(
        `${because(run)}releasing hosts: ${[...new Set(reasons)].join('; ') || 'the running step ends first'}`,
      );
    case 'aborted':
      return statusText(
        because(run) +
          (run.abortedIn === 'Hold'
            ? 'aborted, no host is held; place the request apply-all or approve, or edit the spec, for a new plan'
            : 'aborted, no host is held; set execution.mode to Hold for a new plan'),
      );
    case 'abort-failed':
    case 'abort-timeout':
      return statusText(
        `${because(run)}${run.abort?.reason ?? 'the abort failed'}; ` +
          (locked
            ? `${locked}: abort again (execution.mode Hold, then Abort)${orOpen}`
            : 'no host is held any more; set execution.mode to Hold for a new plan'),
      );
    case 'building':
    case 'build-failed':
      return summary;
  }
}

/** Why Careen aborted the run by itself, at the beginning of a message. */
function because({ abortedBecause }: RunState): string {
  return abortedBecause === undefined ? '' : `${abortedBecause}; `;
}

function appliedMessage({ apply: { stages } }: RunState): string {
  if (stages.length === 0) return 'nothing to do: no host that the plan is about lacks a patch';
  const left = leaversOf(stages);
  if (left.length === 0) return 'all hosts of the plan are patched';
  const isEmpty = stages.every((stage) => remainingHosts(stage).length === 0);
  const done = isEmpty ? 'no host of the plan is left' : 'all hosts of the plan that are left are patched';
  return `${done}: ${left.join('; ')}`;
}

/** Which hosts lack a patch after the run was applied, and the remedy; undefined when none does. */
export function driftMessage(lacking: readonly HostName[] = []): string | undefined {
  if (lacking.length === 0) return undefined;
  const more = lacking.length > NAMED ? ` and ${String(lacking.length - NAMED)} more` : '';
  const who = `${counted(lacking.length, 'host')} ${lacking.length === 1 ? 'lacks' : 'lack'}`;
  const names = lacking.slice(0, NAMED).join(', ');
  return `${who} a patch since (${names}${more}): place the request apply-all to patch what lacks one`;
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
  const reasons = stages.flatMap(({ left = [] }) => left.map(({ reason }) => reason));
  const more = reasons.length - NAMED;
  return [...reasons.slice(0, NAMED), ...(more > 0 ? [`and ${String(more)} more`] : [])];
}

function stayLocked({ hosts }: RunState): string | undefined {
  if (hosts.length === 0) return undefined;
  return `${hosts.map(({ name }) => name).join(', ')} ${hosts.length === 1 ? 'stays' : 'stay'} locked`;
}

/** How many stages of a phase are done. */
export function stagesDone(phase: PhaseStatus): number {
  return phase.stages.filter((stage) => stage.result === 'success' && !stage.inProgress).length;
}
