/** The findings about places for the instances on the hosts of a plan. */
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/crds/observed/finding.ts';
import type { OutageLevel } from '../../../src/crds/vocabulary.ts';
import { NODE_WORDS } from '../../../src/hostops/node-words.ts';
import { placementFindings } from '../../../src/planner/findings/placement-findings.ts';
import type { PlacementForecast, Situation, Unplaced } from '../../../src/planner/findings/situation.ts';
import type { Stage } from '../../../src/planner/plan.ts';

const POOL = {
  ...{ name: 'default', maxUnavailable: 2, paused: false, keptByOtherPools: [], protectedNamespaces: [] },
};

function stage(hosts: readonly string[], level: OutageLevel = 'away'): Stage {
  return { name: 'sw-patch-worker-hosts', hosts, patches: [], level, steps: [], timeoutSeconds: 0 };
}

describe('places for the instances of drained hosts', () => {
  const nowhere = (host: string, name: string, alone: boolean): Unplaced => ({
    ...{ host, namespace: 'shop', name, alone, why: 'needs 9 vCPUs', remedy: 'add a host' },
  });
  const forecast = (...unplaced: readonly Unplaced[]): PlacementForecast => ({
    ...{ seeking: 5, unplaced, roomUnknown: undefined },
  });
  const judged = (
    placement: NonNullable<Situation['placement']>,
    stages = [stage(['w-1', 'w-2']), stage(['w-3', 'w-4'])],
  ): Finding[] => placementFindings({ placement, stages, pool: POOL, words: NODE_WORDS });

  it('that an instance does not find even alone are reported once, with its remedy', () => {
    const found = judged((away) => forecast(...away.map((host) => nowhere(host, `on-${host}`, true))));
    expect(found).toEqual([
      {
        severity: 'warns',
        reason: 'NoTarget',
        subjects: ['w-1', 'w-2', 'w-3', 'w-4'],
        message:
          'the drain of w-1, w-2, w-3, w-4 waits until its deadline: pod shop/on-w-1 needs 9 vCPUs, and 3 others can go nowhere either',
        remedy: 'add a host',
      },
    ]);
  });

  it('that are too few for all together are reported for the stage that lacks the most', () => {
    const left: Readonly<Record<string, readonly Unplaced[]>> = {
      'w-1': [nowhere('w-1', 'a', false)],
      'w-3': [nowhere('w-3', 'b', false), nowhere('w-4', 'c', false)],
    };
    const found = judged(([host = '']) => forecast(...(left[host] ?? [])));
    expect(found).toEqual([
      {
        severity: 'warns',
        reason: 'CapacityShort',
        subjects: ['w-1', 'w-3', 'w-4'],
        message:
          'stage 1 takes w-3, w-4 out of service, and the other hosts have no place for 2 of the 5 pods there: ' +
          'pod shop/b needs 9 vCPUs; so it is in 1 other stage',
        remedy:
          'make room on the other hosts, or take fewer out of service at once: a smaller maxUnavailable of HostPool default, ' +
          'or maxParallelWorkerHosts of the strategy',
      },
    ]);
  });

  it('with room that is not known are no finding where nothing looks for one', () => {
    const roomUnknown = 'Placement does not answer';
    const [unknown, ...others] = judged(() => ({ ...forecast(), roomUnknown }));
    expect(others).toEqual([]);
    expect(unknown).toMatchObject({
      ...{ severity: 'tells', reason: 'CapacityUnknown', subjects: [] },
      message: 'whether the other hosts have room was not checked: Placement does not answer',
    });
    expect(judged(() => ({ ...forecast(), seeking: 0, roomUnknown }))).toEqual([]);
  });

  it('are not looked for in stages that take no host out of service', () => {
    const touched = [stage(['w-1'], 'touched')];
    expect(judged((away) => forecast(...away.map((host) => nowhere(host, 'x', true))), touched)).toEqual([]);
    expect(judged(() => undefined)).toEqual([]);
  });
});
