import { describe, expect, it } from 'vitest';
import { build } from '../../../src/planner/build.ts';
import type { HostSeed } from '../../../src/planner/hosts/facts.ts';
import { limitOf } from '../../../src/planner/hosts/host-limit.ts';
import { InputError } from '../../../src/planner/problems/input-error.ts';
import { strategySpec } from '../support/simulated-run.ts';

const worker = (name: string): HostSeed => ({ name, roles: ['worker'], facts: {} });
const SEEDS = ['w-1', 'w-2'].map(worker);

/** `code path value` of each problem that the planner throws for. */
function problems(seeds: readonly HostSeed[], maxUnavailable = 1, maxParallelWorkerHosts = 1): string[] {
  try {
    build({ ...strategySpec(), maxParallelWorkerHosts }, seeds, { maxUnavailable });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.problems.map(
      ({ code, path, value }) => `${code} ${path.map(String).join('.')} ${String(value)}`,
    );
  }
  return [];
}

it.each([0, -1, 1.5, NaN, Infinity])(
  'a limit of %d gives no plan, rather than a plan that lost hosts',
  (limit) => {
    expect(problems(SEEDS, limit)).toEqual([`out-of-range limits.maxUnavailable ${String(limit)}`]);
    expect(problems(SEEDS, 1, limit)).toEqual([`out-of-range spec.maxParallelWorkerHosts ${String(limit)}`]);
  },
);

it('a malformed percentage gives no plan', () => {
  expect(problems(SEEDS, limitOf('half', 10))).toEqual(['out-of-range limits.maxUnavailable NaN']);
});

it('a host that is listed twice gives no plan, rather than a plan with the host twice', () => {
  expect(problems([...SEEDS, worker('w-3'), worker('w-1')])).toEqual(['duplicate-name hosts.3.name w-1']);
});

it('a limit of one and hosts with unique names give a plan', () => {
  expect(problems(SEEDS)).toEqual([]);
});

describe('a fact that a patch compares by AtLeast and that holds no version', () => {
  const generic = (roles: HostSeed['roles'], kernelVersion = 'generic-amd64'): HostSeed => ({
    name: 'w-1',
    roles,
    facts: { 'nodeInfo.kernelVersion': kernelVersion },
  });

  it('gives no plan, and the message names host, fact, value and patch', () => {
    const attempt = () => build(strategySpec(), [generic(['worker'])], { maxUnavailable: 1 });
    expect(attempt).toThrow(
      'hosts.w-1.nodeInfo.kernelVersion is "generic-amd64": it holds no version, so patch kernel-6.12.48 cannot ' +
        'compare it by AtLeast; compare another fact, use In, or take the host out of the pool',
    );
  });

  it('is no matter on a host that no plan has, and a missing fact is none', () => {
    expect(problems([generic([])])).toEqual([]);
    expect(problems([generic(['worker'], '')])).toEqual([]);
    const withoutWorkers = { ...strategySpec(), workerApplyType: 'ignore' } as const;
    expect(build(withoutWorkers, [generic(['worker'])], { maxUnavailable: 1 }).plan.stages).toEqual([]);
  });
});
