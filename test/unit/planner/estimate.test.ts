import { describe, expect, it } from 'vitest';
import { STRATEGY_KINDS } from '../../../src/crds/strategy-kinds.ts';
import { duration, table, wrap } from '../../../src/cli/text/text-table.ts';
import { build } from '../../../src/planner/build.ts';
import { estimatePlan, estimateStage } from '../../../src/planner/estimate.ts';
import { kernelPatch, kubeletPatch, strategyManifest } from '../../support/operator/strategies.ts';

function stagesOf(hosts: number, spec: Record<string, unknown> = {}) {
  const { spec: base } = strategyManifest('a', 'b', { timing: {}, ...spec });
  const seeds = Array.from({ length: hosts }, (_, i) => ({
    name: `w-${String(i)}`,
    roles: ['worker'] as const,
    facts: {},
  }));
  return build(STRATEGY_KINDS.PatchStrategy.readSpec.parse(base), seeds, { maxUnavailable: 2 }).plan.stages;
}

describe('the estimate', () => {
  it('sums the durations of the steps, and separately their timeouts', () => {
    const stages = stagesOf(2);
    const each = 1 + 5 + 120 + 120 + 180 + 15 + 5 + 60;
    expect(stages.map(estimateStage)).toEqual([each, each]);
    expect(estimatePlan(stages)).toEqual({
      seconds: 2 * each,
      atMostSeconds: 2 * (60 + 900 + 1800 + 1800 + 900 + 15 + 1800 + 60 + 1) + 1,
    });
  });

  it('counts a Job for each patch', () => {
    const both = stagesOf(1, { patches: [kernelPatch, kubeletPatch] });
    const one = stagesOf(1);
    expect(estimatePlan(both).seconds).toBe(estimatePlan(one).seconds + 120);
  });

  it('leaves out steps that hosts patched in place skip', () => {
    expect(stagesOf(1, { patches: [kubeletPatch] }).map(estimateStage)).toEqual([1 + 120 + 5 + 60]);
  });

  it('never exceeds the timeout of a step', () => {
    const timing = { patchTimeoutSeconds: 30, verifyTimeoutSeconds: 10, drainTimeoutSeconds: 20 };
    expect(stagesOf(1, { timing }).map(estimateStage)).toEqual([1 + 5 + 20 + 30 + 10 + 15 + 5 + 60]);
  });

  it('is zero for a plan without stages', () => {
    expect(estimatePlan([])).toEqual({ seconds: 0, atMostSeconds: 0 });
  });
});

describe('text for terminals', () => {
  it.each([
    [0, '0 min'],
    [45, '45 s'],
    [60, '1 min'],
    [90, '90 s'],
    [125, '3 min'],
    [3600, '1 h'],
    [7321, '2 h 3 min'],
    [36_061, '11 h'],
    [172_800, '2 d'],
    [180_001, '2 d 3 h'],
  ])('shows %d seconds as %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it('wraps at spaces, and breaks words that are too long', () => {
    expect(wrap('one two three-and-four', 8)).toEqual(['one two', 'three-an', 'd-four']);
  });

  it('gives the wide column the rest of the line', () => {
    const hosts = Array.from({ length: 30 }, (_, i) => `worker-${String(i)}`).join(', ');
    const lines = table(['ID', 'HOSTS', 'TIME'], [['0', hosts, '1 min']], 1);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(100);
    expect(lines.slice(1).join(' ').replaceAll(/\s+/g, ' ')).toContain('worker-28, worker-29');
    expect(lines[1]).toMatch(/^0 {3}worker-0, .* 1 min$/);
  });
});
