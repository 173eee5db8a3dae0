import { counted } from '../crds/counted.ts';
import type { PhaseStatus } from '../crds/patch-strategy-status.ts';
import { truncate } from '../crds/truncate.ts';
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
};

/** The progress of a run, or what it waits for, in one sentence. */
export function messageOf(run: RunState, { summary, reasons, heldBack, openRemedy }: MessageInput): string {
  const { apply, state } = run;
  const stage = apply.stages[apply.currentStage];
  const locked = stayLocked(run);
  const orOpen = openRemedy === undefined ? '' : `, or ${openRemedy}`;
  switch (state) {
    case 'ready-to-apply':
      return truncate(heldBack === undefined ? summary : `${summary}; nothing begins yet: ${heldBack}`);
    case 'applying':
      if (run.suspendedSince) return reasons.join('; ');
      if (!stage?.inProgress) {
        const done = `${String(stagesDone(apply))} of ${counted(apply.totalStages, 'stage')} done`;
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
          (locked ? `; ${locked} until a request release-host, an abort${orOpen}` : ''),
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
            ? `${locked}: abort again (execution.mode Hold, then Abort)${orOpen}`
            : 'no host is held any more; set execution.mode to Hold for a new plan'),
      );
    case 'building':
    case 'build-failed':
      return summary;
  }
}

function stayLocked({ hosts }: RunState): string | undefined {
  if (hosts.length === 0) return undefined;
  return `${hosts.map(({ name }) => name).join(', ')} ${hosts.length === 1 ? 'stays' : 'stay'} locked`;
}

/** How many stages of a phase are done. */
export function stagesDone(phase: PhaseStatus): number {
  return phase.stages.filter((stage) => stage.result === 'success' && !stage.inProgress).length;
}
