/** Why a run that has a plan does not go on: a word for tools, and a sentence for people. Both from the same facts. */
import type { RunState } from '../../engine/run/run-state.ts';
import type { HeldBack, Order } from '../../engine/turn.ts';

/** The order that a run waits for. */
export type StandingOrder = Pick<Order, 'mode' | 'throughStage' | 'heldBack'>;

/** Why the first stage of a plan has not begun. */
export function waitsToBegin({ authority }: RunState, { mode, heldBack }: StandingOrder): HeldBack {
  const isApproved = mode === 'Run' || authority !== undefined;
  const approval = isApproved || mode === 'Abort' ? undefined : APPROVE;
  if (heldBack) {
    const { reason, message } = heldBack;
    const asksHold = mode === 'Hold' ? approval : undefined;
    return { reason, message: [asksHold, `nothing begins yet: ${message}`].filter(Boolean).join('; ') };
  }
  switch (mode) {
    case 'Abort':
      return {
        reason: 'AbortOrdered',
        message: 'nothing begins: execution.mode is Abort, set it to Hold or Run',
      };
    case 'Suspend':
      return {
        reason: 'Suspended',
        message: `nothing begins: execution.mode is Suspend; ${approval ?? 'the plan is carried out once it is Hold or Run'}`,
      };
    case 'Hold':
    case 'Run':
      return approval === undefined
        ? { reason: 'Beginning', message: 'it begins now' }
        : { reason: 'AwaitingApproval', message: approval };
  }
}

const APPROVE = 'set execution.mode to Run to carry the plan out';

/** Why the next stage of a run has not begun. */
export function waitsForStage(
  { apply }: RunState,
  { mode, throughStage, heldBack }: StandingOrder,
): HeldBack {
  if (heldBack) return heldBack;
  switch (mode) {
    case 'Hold':
      return {
        reason: 'PausedAtStage',
        message: 'execution.mode is Hold: set it to Run, or place the request apply-stage or apply-all',
      };
    case 'Suspend':
      return { reason: 'Suspended', message: 'execution.mode is Suspend: set it to Hold or Run' };
    case 'Abort':
      return { reason: 'AbortOrdered', message: 'execution.mode is Abort' };
    case 'Run':
      return throughStage === undefined || throughStage >= apply.currentStage
        ? { reason: 'Beginning', message: 'it begins now' }
        : {
            reason: 'ThroughStageReached',
            message: `execution.throughStage is ${String(throughStage)}: raise it or remove it`,
          };
  }
}
