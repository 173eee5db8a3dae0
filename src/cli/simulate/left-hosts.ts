import { compareHostNames, type HostName } from '../../planner/facts.ts';
import type { Rehearsal } from './rehearsal.ts';
import type { HostSpans, StageSpan } from './timeline.ts';

export const LEFT_STATES = ['locked', 'failed', 'given-back', 'not-reached', 'not-planned'] as const;

/** A host that is not where the strategy wants it. */
export type LeftHost = {
  readonly name: HostName;
  /**
   * locked: failed, and out of service until somebody decides. failed: failed, and is not locked. given-back: unlocked
   * before it was done, because others failed. not-reached: never taken out of service or worked on. not-planned: it
   * lacks a patch and is in no stage.
   */
  readonly state: (typeof LEFT_STATES)[number];
  readonly reason?: string;
};

/** The hosts that lack a patch at the end, or stay locked, or are unwell; in the order of the plan. */
export function leftOf(stages: readonly StageSpan[], { run, lacking }: Rehearsal): LeftHost[] {
  const planned = stages.flatMap(({ hosts }) => hosts);
  const unplanned = [...lacking.difference(new Set(planned.map(({ name }) => name)))];
  return [
    ...planned.flatMap((host) => stateOf(host, run, lacking)),
    ...unplanned.toSorted(compareHostNames).map((name) => ({ name, state: 'not-planned' as const })),
  ];
}

function stateOf(
  { name, steps }: HostSpans,
  run: Rehearsal['run'],
  lacking: ReadonlySet<HostName>,
): LeftHost[] {
  const open = run.hosts.find((host) => host.name === name);
  const failed = steps.find(({ result }) => result === 'failed' || result === 'timed-out');
  const reason = open?.reason ?? failed?.reason;
  const told = reason === undefined ? {} : { reason };
  if (open) return [{ name, state: 'locked', ...told }];
  if (wasTaken(steps)) {
    if (failed) return [{ name, state: 'failed', ...told }];
    return lacking.has(name) ? [{ name, state: 'given-back' }] : [];
  }
  return lacking.has(name) ? [{ name, state: 'not-reached', ...told }] : [];
}

function wasTaken(steps: HostSpans['steps']): boolean {
  return (
    steps.some(({ name, result }) => name === 'lock-hosts' && result === 'success') ||
    steps.some(({ name }) => name === 'sw-patch-hosts')
  );
}
