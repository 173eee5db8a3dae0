import { describe, expect, it } from 'vitest';
import type { PatchStrategyStatus } from '../../../src/crds/patch-strategy-status.ts';
import { builtStatus } from '../../../src/status/build-status.ts';
import { decodeRun, statusOfRun } from '../../../src/status/codec.ts';
import { QueryPhase } from '../../../src/status/query-phase.ts';
import { stalledStatus } from '../../../src/status/stalled-status.ts';
import { build } from '../../../src/planner/build.ts';
import { strategySpec } from '../support/simulated-run.ts';

const NOW = Date.parse('2026-11-26T09:00:00Z');
const TIME = new Date(NOW).toISOString();
const facts = { 'nodeInfo.kernelVersion': '6.12.40', 'nodeInfo.kubeletVersion': 'v1.36.3' };
const SUMMARY =
  '1 host in 1 stage; set execution.mode to Run to carry the plan out; no role of the pool selects x-1';

/** The status of a new plan of one host, and a host that no role selects. */
function planned(): PatchStrategyStatus {
  const spec = strategySpec();
  const seeds = [
    { name: 'w-1', roles: ['worker'] as const, facts },
    { name: 'x-1', roles: [], facts },
  ];
  const input = {
    ...{ spec, generation: 1, before: {}, epoch: 1, scope: { pool: 'default' } },
    ...{ fleetRevision: 'f', runId: 'r' },
  };
  const queries = new QueryPhase(() => NOW, NOW);
  queries.ended();
  return builtStatus(input, queries.status, build(spec, seeds, { maxUnavailable: 1 }), NOW);
}

/** The status after a pass that changed nothing of the run. */
function passed(before: PatchStrategyStatus, heldBack?: string): PatchStrategyStatus {
  const stored = decodeRun(before);
  if (!stored) throw new Error('the status holds no run');
  const shown = {
    reasons: [],
    ...(heldBack === undefined ? {} : { heldBack: { reason: 'Paused', message: heldBack } as const }),
  };
  return statusOfRun(before, stored.run, shown, 1, TIME);
}

describe('the message of a waiting plan', () => {
  it('is the plan in one sentence, and the status keeps it', () => {
    expect(planned()).toMatchObject({ message: SUMMARY, run: { summary: SUMMARY } });
    expect(passed(planned())).toEqual(planned());
  });

  it('says why nothing begins only while the reason lasts', () => {
    const held = passed(planned(), 'HostPool default is paused');
    expect(held.message).toBe(`${SUMMARY}; nothing begins yet: HostPool default is paused`);
    expect(passed(held, 'something else').message).toBe(`${SUMMARY}; nothing begins yet: something else`);
    expect(passed(held).message).toBe(SUMMARY);
  });

  it('is that sentence again after the strategy was stalled: no message is made from the last one', () => {
    const stalled = stalledStatus(
      planned(),
      'NamespaceNotPrepared',
      'the operator cannot watch Jobs',
      1,
      TIME,
    );
    expect(stalled.message).toBe('the operator cannot watch Jobs');
    expect(passed(stalled).message).toBe(SUMMARY);
  });
});

describe('a strategy that was applied', () => {
  const applied = (lacking: readonly string[]): PatchStrategyStatus => {
    const stored = decodeRun(planned());
    if (!stored) throw new Error('the status holds no run');
    return statusOfRun(planned(), { ...stored.run, state: 'applied' }, { reasons: [], lacking }, 1, TIME);
  };
  const trueOnes = ({ conditions = [] }: PatchStrategyStatus): string[] =>
    conditions.filter(({ status }) => status === 'True').map(({ type, reason }) => `${type}/${reason}`);

  it('is Ready, and Drifted while hosts lack a patch, with their number and names', () => {
    expect(trueOnes(applied([]))).toEqual(['Ready/Applied']);
    const lacking = ['w-1', 'w-2', 'w-3', 'w-4', 'w-5', 'w-6'];
    const drifted = applied(lacking);
    expect(trueOnes(drifted)).toEqual(['Ready/Applied', 'Drifted/HostsLackPatches']);
    const message =
      '6 hosts lack a patch since (w-1, w-2, w-3, w-4, w-5 and 1 more): ' +
      'place the request apply-all to patch what lacks one';
    expect(drifted.conditions?.find(({ type }) => type === 'Drifted')?.message).toBe(message);
    expect(drifted.message).toBe(`all hosts of the plan are patched; ${message}`);
  });

  it('says nothing about drift before', () => {
    expect(planned().conditions?.map(({ type }) => type)).not.toContain('Drifted');
  });
});
