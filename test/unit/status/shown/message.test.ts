import { describe, expect, it } from 'vitest';
import { KEPT_FINDINGS, type Finding } from '../../../../src/crds/observed/finding.ts';
import { strategyStatus, type StrategyStatus } from '../../../../src/crds/observed/strategy-status.ts';
import type { StrategyState } from '../../../../src/crds/vocabulary.ts';
import { builtStatus } from '../../../../src/status/shown/build-status.ts';
import { decodeRun, statusOfRun, type Shown } from '../../../../src/status/stored/codec.ts';
import { QueryPhase } from '../../../../src/status/stored/query-phase.ts';
import { stalledStatus } from '../../../../src/status/shown/stalled-status.ts';
import { strategyWords } from '../../../../src/crds/text/strategy-words.ts';
import { conditionsOf } from '../../../../src/status/shown/conditions.ts';
import { driftMessage } from '../../../../src/status/shown/message.ts';
import { build } from '../../../../src/planner/build.ts';
import type { HostSeed } from '../../../../src/planner/hosts/facts.ts';
import { strategySpec } from '../../support/simulated-run.ts';

const NOW = Date.parse('2026-11-26T09:00:00Z');
const TIME = new Date(NOW).toISOString();
const facts = { 'nodeInfo.kernelVersion': '6.12.40', 'nodeInfo.kubeletVersion': 'v1.36.3' };
const PLAN = '1 host in 1 stage';
const SUMMARY = `${PLAN}; set execution.mode to Run to carry the plan out`;

/** The status of a new plan of one host. */
function planned(
  findings: readonly Finding[] = [],
  seeds: readonly HostSeed[] = [{ name: 'w-1', roles: ['worker'], facts }],
): StrategyStatus {
  const spec = strategySpec();
  const input = {
    ...{ spec, generation: 1, before: {}, epoch: 1, scope: { pool: 'default' } },
    ...{ fleetRevision: 'f', runId: 'r' },
  };
  const queries = new QueryPhase(() => NOW, NOW, false);
  queries.ended();
  return builtStatus(input, queries.status, build(spec, seeds, { maxUnavailable: 1 }), findings, NOW);
}

/** The status after a pass that changed nothing of the run. */
function passed(
  before: StrategyStatus,
  heldBack?: string,
  more: Partial<Shown & { state: StrategyState }> = {},
): StrategyStatus {
  const stored = decodeRun(before);
  if (!stored) throw new Error('the status holds no run');
  const { state = stored.run.state, ...also } = more;
  const shown = {
    reasons: [],
    order: {
      mode: 'Hold' as const,
      ...(heldBack === undefined ? {} : { heldBack: { reason: 'Paused', message: heldBack } as const }),
    },
    ...also,
  };
  return statusOfRun(before, { ...stored.run, state }, shown, 1, TIME);
}

function finding(reason: Finding['reason'], severity: Finding['severity'], subjects = ['w-1']): Finding {
  return { severity, reason, subjects, message: `${reason} ${String(subjects.length)}`, remedy: 'mend it' };
}

describe('the message of a waiting plan', () => {
  it('is the plan in one sentence, and the status keeps it', () => {
    expect(planned()).toMatchObject({ message: SUMMARY, run: { summary: PLAN } });
    expect(passed(planned())).toEqual(planned());
  });

  it('says why nothing begins only while the reason lasts', () => {
    const held = passed(planned(), 'HostPool default is paused');
    expect(held.message).toBe(`${SUMMARY}; nothing begins yet: HostPool default is paused`);
    expect(passed(held, 'something else').message).toBe(`${SUMMARY}; nothing begins yet: something else`);
    expect(passed(held).message).toBe(SUMMARY);
  });

  it('has no remedy twice when an earlier version has stored one with the plan', () => {
    const built = planned();
    const { run } = built;
    if (!run) throw new Error('the status holds no run');
    expect(passed({ ...built, run: { ...run, summary: SUMMARY } }).message).toBe(SUMMARY);
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

describe('the findings about a waiting plan', () => {
  const paused = finding('PoolPaused', 'blocks');
  const unknown = finding('FactUnknown', 'warns');
  const rounded = finding('LimitRounded', 'tells');
  const ready = ({ conditions = [] }: StrategyStatus): string | undefined =>
    conditions.find(({ type }) => type === 'Ready')?.message;

  it('are in the status, and the gravest in the message and the condition', () => {
    const status = planned([paused, unknown, rounded]);
    expect(status.findings).toEqual([paused, unknown, rounded]);
    expect(status.message).toBe(`${SUMMARY}; blocks: PoolPaused 1 (mend it); warns: FactUnknown 1 (mend it)`);
    expect(ready(status)).toBe(status.message);
    expect(strategyStatus.parse(status)).toEqual(status);
    expect(planned([rounded]).message, 'information is no part of the sentence').toBe(SUMMARY);
  });

  it('name in the message what the order does not say already, and how many more there are', () => {
    const many = [paused, unknown, finding('HostWithoutRole', 'warns'), finding('HostCordoned', 'warns')];
    const sentence = '; warns: FactUnknown 1 (mend it); warns: HostWithoutRole 1 (mend it); 1 more finding';
    expect(passed(planned(), 'HostPool default is paused', { findings: many }).message).toBe(
      `${SUMMARY}; nothing begins yet: HostPool default is paused${sentence} in .status.findings`,
    );
  });

  it('follow what is found, stay where nobody looked, and leave no trace in the stored summary', () => {
    const built = planned([paused]);
    expect(built.run?.summary).toBe(PLAN);
    expect(passed(built).findings).toEqual([paused]);
    expect(passed(built, undefined, { findings: [unknown] }).findings).toEqual([unknown]);
    const ended = passed(built, undefined, { findings: [] });
    expect(ended.findings).toBeUndefined();
    expect(ended.message).toBe(SUMMARY);
  });

  it.each<[StrategyState, Finding[] | undefined]>([
    ['applying', [unknown, rounded]],
    ['apply-failed', [unknown, rounded]],
    ['applied', undefined],
    ['aborted', undefined],
  ])('are those about the plan itself once the run is %s', (state, left) => {
    const found = passed(planned([paused, unknown, rounded]), undefined, { state }).findings;
    expect(found?.map(({ reason }) => reason)).toEqual(left?.map(({ reason }) => reason));
  });

  it('are bounded, whatever is found', () => {
    const subjects = Array.from({ length: 5000 }, (_, i) => `w-${String(i)}`);
    const found = Array.from({ length: 300 }, () => ({
      ...finding('ClaimSpoilt', 'blocks', subjects),
      message: 'x'.repeat(5000),
    }));
    const status = planned(found);
    expect(strategyStatus.parse(status)).toEqual(status);
    expect(status.findings).toHaveLength(KEPT_FINDINGS);
    expect(JSON.stringify(status.findings).length).toBeLessThan(32 * 1024);
  });
});

describe('a plan in the status', () => {
  it('keeps the controllers that it knew', () => {
    const names = ['c-1', 'c-2', 'c-3'];
    const status = planned(
      [],
      names.map((name) => ({ name, roles: ['controller'], facts })),
    );
    const stored = decodeRun(strategyStatus.parse(passed(status)));
    expect(stored?.plan.controllers).toEqual(names);
  });
});

describe('a strategy that was applied', () => {
  const applied = (lacking: readonly string[]): StrategyStatus => {
    const stored = decodeRun(planned());
    if (!stored) throw new Error('the status holds no run');
    return statusOfRun(
      planned(),
      { ...stored.run, state: 'applied' },
      { reasons: [], order: { mode: 'Run' }, lacking },
      1,
      TIME,
    );
  };
  const trueOnes = ({ conditions = [] }: StrategyStatus): string[] =>
    conditions.filter(({ status }) => status === 'True').map(({ type, reason }) => `${type}/${reason}`);

  it('is Ready, and Drifted while hosts lack a patch, with their number and names', () => {
    expect(trueOnes(applied([]))).toEqual(['Ready/Applied']);
    const lacking = ['w-1', 'w-2', 'w-3', 'w-4', 'w-5', 'w-6'];
    const drifted = applied(lacking);
    expect(trueOnes(drifted)).toEqual(['Ready/Applied', 'Drifted/HostsLackPatches']);
    const message =
      '6 hosts lack a patch since (w-1, w-2, w-3, w-4, w-5 and 1 more): ' +
      'place the request apply-all to patch those hosts';
    expect(drifted.conditions?.find(({ type }) => type === 'Drifted')?.message).toBe(message);
    expect(drifted.message).toBe(`all hosts of the plan are patched; ${message}`);
  });

  it.each([
    [
      false,
      'HostsLackRelease',
      '1 host lacks v1.36.4 since (w-1): place the request apply-all to upgrade that host',
    ],
    [
      true,
      'HostsHaveRelease',
      '1 host has v1.36.4 since (w-1): place the request apply-all to bring back that host',
    ],
  ])('speaks of the release after an upgrade (rollback: %s)', (rollback, reason, message) => {
    const words = strategyWords({
      release: { version: 'v1.36.4', fact: 'nodeInfo.kubeletVersion', rollback },
    });
    expect(driftMessage(words, ['w-1'])).toBe(message);
    const stored = decodeRun(planned());
    if (!stored) throw new Error('the status holds no run');
    const run = { ...stored.run, state: 'applied' } as const;
    const conditions = conditionsOf(run, '', { mode: 'Run' }, words, undefined, ['w-1']);
    expect(conditions.at(-1)).toEqual({ type: 'Drifted', status: 'True', reason, message });
  });

  it('says nothing about drift before', () => {
    expect(planned().conditions?.map(({ type }) => type)).not.toContain('Drifted');
  });
});
