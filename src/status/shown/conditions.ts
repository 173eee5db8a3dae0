import type { DesiredCondition, Reason } from '../../crds/observed/conditions.ts';
import type { HostProgress } from '../../crds/observed/host-progress.ts';
import type { StrategyWords } from '../../crds/text/strategy-words.ts';
import { statusText } from '../../crds/text/status-text.ts';
import { runningStage, type RunState } from '../../engine/run/run-state.ts';
import type { HeldBack, Obstacle } from '../../engine/turn.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { driftMessage } from './message.ts';
import { waitsForStage, waitsToBegin, type StandingOrder } from './waiting.ts';

/** The conditions for each state of a run (docs/guides/gitops.md). */
export function conditionsOf(
  run: RunState,
  message: string,
  order: StandingOrder,
  words: StrategyWords,
  obstacle?: Obstacle,
  lacking: readonly HostName[] = [],
): DesiredCondition[] {
  const wish = (reason: Reason, is: Is): DesiredCondition[] => conditionsFor(reason, message, is, run.hosts);
  const waiting = ({ reason }: HeldBack): DesiredCondition[] => wish(reason, waitingIs(reason));
  switch (run.state) {
    case 'ready-to-apply':
      return waiting(waitsToBegin(run, order));
    case 'applying':
      if (run.suspendedSince) return wish('Suspended', {});
      if (runningStage(run.apply)) return wish(obstacle ?? 'Applying', { reconciling: true });
      return obstacle ? wish(obstacle, {}) : waiting(waitsForStage(run, order));
    case 'applied':
      return [
        ...wish(run.apply.totalStages === 0 ? 'NothingToDo' : 'Applied', { ready: true }),
        drifted(words, lacking),
      ];
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

function drifted(words: StrategyWords, lacking: readonly HostName[]): DesiredCondition {
  const message = driftMessage(words, lacking);
  return message === undefined
    ? { type: 'Drifted', status: 'False', reason: 'AsExpected', message: '' }
    : { type: 'Drifted', status: 'True', reason: words.drift, message };
}

/** Reconciling: the reason ends by itself. Stalled: somebody must fix something. Neither: it waits for a person. */
function waitingIs(reason: Reason): Is {
  return {
    stalled: NEEDS_CORRECTION.has(reason),
    reconciling: reason === 'Building' || reason === 'Beginning',
  };
}

const NEEDS_CORRECTION: ReadonlySet<Reason> = new Set([
  'NotPermitted',
  'LimitBelowStage',
  'Overlap',
  'ProviderUnavailable',
  'PoolNotFound',
  'SpecUnreadable',
]);

type Is = { readonly ready?: boolean; readonly reconciling?: boolean; readonly stalled?: boolean };

/** Ready, Reconciling and Stalled, at most one of them True; and whether somebody uncordoned one of our hosts. */
export function conditionsFor(
  reason: Reason,
  message: string,
  is: Is,
  hosts: readonly HostProgress[] = [],
): DesiredCondition[] {
  const calm = { reason: 'AsExpected', message: '' } as const;
  const opened = hosts.filter(({ uncordoned }) => uncordoned);
  const uncordons = statusText(opened.map((host) => `${host.name}: ${host.reason ?? ''}`).join('; '));
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
      ...(opened.length > 0 ? ({ reason: 'HostUncordoned', message: uncordons } as const) : calm),
    },
  ];
}
