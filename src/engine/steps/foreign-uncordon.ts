import { ask, failed, keyOf, type HostStep, type Verdict } from './verdict.ts';

/**
 * Judges a host that must stay cordoned while we work on it. After somebody has uncordoned it, the `onForeignUncordon`
 * of the strategy decides: the step pauses until somebody cordons the host, we cordon it again, or the step fails.
 * Started actions are awaited in every case. No step succeeds from the observation of an uncordoned host.
 */
export function guardAgainstUncordon(step: HostStep, judge: (step: HostStep) => Verdict): Verdict {
  const { facts, outage, name, run, plan, view } = step;
  const isOpen = outage?.level === 'away' && facts?.claim?.run === run && !facts.closedToNewWork;
  const verdict = judge(step);
  if (!isOpen || verdict.kind === 'failed') return verdict;
  const { words } = view;
  const opened = words.says('opened-by-others', name);
  if (verdict.kind === 'wait') return { ...verdict, reason: `${verdict.reason}; ${opened}`, ...OPENED };
  switch (plan.actions.onForeignUncordon) {
    case 'fail':
      return { ...failed(opened), uncordoned: true };
    case 'recordon': {
      const key = keyOf(step, 'lock-hosts', 'recordon');
      const effect = { kind: 'recordon', key, host: name, revision: facts.revision, run } as const;
      return { ...ask(step, effect, words.says('closing-again', name)), ...OPENED };
    }
    case 'pause':
      return {
        kind: 'blocked',
        reason: `${opened}: ${words.remedy('opened-by-others', name)} to go on, or abort`,
        ...OPENED,
      };
  }
}

const OPENED = { uncordoned: true, obstacle: 'HostUncordoned' } as const;
