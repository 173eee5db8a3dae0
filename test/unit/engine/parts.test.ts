import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostProgress } from '../../../src/crds/observed/host-progress.ts';
import type { PhaseStatus } from '../../../src/crds/observed/strategy-status.ts';
import type { PlanStageSpec } from '../../../src/crds/plan-stage.ts';
import type { Role } from '../../../src/crds/vocabulary.ts';
import { hasNobodyLeft } from '../../../src/engine/hosts/leavers.ts';
import {
  atHand,
  endedPart,
  isNextPart,
  partsOf,
  stagesOfPart,
  withNextPart,
} from '../../../src/engine/run/parts.ts';
import { editStage } from '../../../src/engine/pass.ts';
import { currentStage, needsNextPart, newPhase, newRun } from '../../../src/engine/run/run-state.ts';
import { combinedOver, endedPercentage } from '../../../src/engine/run/stage-folds.ts';
import { build } from '../../../src/planner/build.ts';
import type { Plan, Stage } from '../../../src/planner/plan.ts';
import { statusOfRun } from '../../../src/status/stored/codec.ts';
import { limitBelowStage } from '../../../src/status/stored/rebuild.ts';
import { stagesDone } from '../../../src/status/shown/message.ts';
import { SimulatedRun, strategySpec, type RunOptions } from '../support/simulated-run.ts';

const RUN = { strategy: 'kernel', run: 'run-1' };
const STEPS = ['lock-hosts', 'sw-patch-hosts', 'unlock-hosts'] as const;

function planned(hosts: number, id: number): Stage {
  return {
    name: 'sw-patch-worker-hosts',
    hosts: Array.from({ length: hosts }, (_, i) => `w-${String(id)}-${String(i)}`),
    patches: [],
    level: hosts % 2 === 0 ? 'away' : 'touched',
    steps: STEPS.slice(0, 1 + (hosts % 3)).map((name) => ({ name, timeoutSeconds: hosts })),
    timeoutSeconds: hosts + 1,
  };
}

const plans = fc
  .array(fc.integer({ min: 0, max: 9 }), { minLength: 2, maxLength: 30 })
  .map((sizes) => sizes.map(planned));
const partBytes = fc.integer({ min: 1, max: 4_000 });

function cut(stages: readonly Stage[], bytes: number): readonly PlanStageSpec[] | undefined {
  return partsOf({ stages }, RUN, { wholeBytes: 0, partBytes: bytes, endedStages: 4 });
}

/** Ends the current stage, as a pass does: on a copy. Some of its hosts have left. */
function afterStage(phase: PhaseStatus): PhaseStatus {
  const next = { ...phase, stages: [...phase.stages] };
  const stage = editStage(next, phase.currentStage);
  if (stage) {
    for (const step of stage.steps) step.result = 'success';
    stage.result = 'success';
    stage.left = (stage.hosts ?? []).slice(0, stage.id % 3).map((name) => ({ name, reason: 'gone' }));
  }
  next.currentStage += 1;
  return next;
}

function figures(phase: PhaseStatus): unknown {
  const run = { state: 'applying', apply: phase } as const;
  const limits = [0, 1, 2, 4, 6, 8].map((limit) => limitBelowStage(run, limit));
  const isOver = phase.currentStage === phase.totalStages;
  return [
    ...[currentStage(phase), endedPercentage(phase), combinedOver(phase).result, stagesDone(phase), limits],
    // While stages are to come, only those at hand are asked.
    ...(isOver ? [hasNobodyLeft(phase)] : []),
  ];
}

describe('a plan in parts', () => {
  it('is the plan, in parts that are small or have a single stage', () => {
    fc.assert(
      fc.property(plans, partBytes, (stages, bytes) => {
        const parts = cut(stages, bytes) ?? [];
        fc.pre(parts.length > 0);
        expect(parts.flatMap((part) => stagesOfPart(part))).toEqual(newPhase(stages).stages);
        expect(parts.map(({ part }) => part)).toEqual([...parts.keys()]);
        for (const part of parts) {
          const size = stagesOfPart(part).reduce((sum, stage) => sum + JSON.stringify(stage).length, 0);
          expect(part.stages.length === 1 || size <= bytes).toBe(true);
        }
      }),
    );
  });

  it('gives the same figures as the whole plan, wherever the run stands', () => {
    fc.assert(
      fc.property(plans, partBytes, (stages, bytes) => {
        const parts = cut(stages, bytes) ?? [];
        const [first] = parts;
        fc.pre(first !== undefined);
        let whole = newPhase(stages);
        let inParts = atHand(whole, first);
        for (const _ of stages) {
          expect(figures(inParts)).toEqual(figures(whole));
          whole = afterStage(whole);
          inParts = afterStage(inParts);
          const next = needsNextPart(inParts) ? parts[inParts.later?.part ?? 0] : undefined;
          if (next) inParts = withNextPart(inParts, next);
        }
        expect(figures(inParts)).toEqual(figures(whole));
        expect(inParts.later).toBeUndefined();
      }),
    );
  });

  it('continues with no part but the one that was built', () => {
    const parts = cut([planned(2, 0), planned(4, 1), planned(4, 2)], 1) ?? [];
    const [first, second, third] = parts;
    if (!first || !second || !third) throw new Error('three parts were expected');
    const phase = atHand(newPhase([planned(2, 0)]), first);
    expect(isNextPart(phase, second)).toBe(true);
    expect(isNextPart(phase, third)).toBe(false);
    const [stage] = second.stages;
    const edited = { ...second, stages: [{ ...(stage ?? planned(0, 0)), hosts: ['another'] }] };
    expect(isNextPart(phase, edited as PlanStageSpec)).toBe(false);
    // The digests are linked: an edit of the last part shows in the first.
    expect(isNextPart(phase, { ...second, later: { ...third, digest: 'sha256:0' } as never })).toBe(false);
  });

  it('stays whole while it is small', () => {
    expect(partsOf({ stages: [planned(2, 0), planned(4, 1)] }, RUN)).toBeUndefined();
  });
});

describe('the status with a plan for 5,000 hosts', () => {
  const KIB = 1024;
  const name = (i: number): string => `worker-${String(i)}.${'rack-'.repeat(8)}.example.com`;
  const planFor = (roles: readonly Role[], spec: Record<string, unknown>): Plan => {
    const facts = { 'nodeInfo.kernelVersion': '6.12.40', 'nodeInfo.kubeletVersion': 'v1.36.3' };
    const seeds = Array.from({ length: 5_000 }, (_, i) => ({ name: name(i), roles, facts }));
    return build(strategySpec(spec), seeds, { maxUnavailable: 5_000, activeHost: undefined }).plan;
  };
  const outage = (host: string): HostProgress => ({
    ...{ name: host, uid: 'u'.repeat(36), level: 'away', step: 'sw-patch-hosts', attempt: 1, result: 'wait' },
    ...{ since: '2026-11-27T09:00:00.000Z', reason: 'r'.repeat(200), patches: ['a', 'b'] },
    jobs: ['a', 'b'].map((action) => ({ action, name: 'j'.repeat(60), uid: 'u'.repeat(36) })),
  });

  it.each<[string, readonly Role[], Record<string, unknown>]>([
    ['one by one', ['worker'], { workerApplyType: 'serial' }],
    ['two at a time', ['worker'], { workerApplyType: 'parallel' }],
    ['a hundred at a time', ['worker'], { workerApplyType: 'parallel', maxParallelWorkerHosts: 100 }],
    ['storage hosts in parallel', ['storage'], { storageApplyType: 'parallel' }],
    ['controllers', ['controller'], {}],
  ])('stays below 256 KiB: %s', (_, roles, spec) => {
    const plan = planFor(roles, spec);
    const parts = partsOf(plan, RUN) ?? [];
    const [first] = parts;
    if (!first) throw new Error('parts were expected');
    for (const part of parts) expect(JSON.stringify(part).length).toBeLessThan(32 * KIB);
    const run = newRun('run-1', plan);
    const apply = atHand(run.apply, first);
    const hosts = (first.stages[0]?.hosts ?? []).map(outage);
    const record = {
      ...{ id: 'run-1', planDigest: plan.digest, specDigest: '', fleetRevision: '' },
      ...{ builtAt: '2026-11-27T09:00:00.000Z', pool: 'default', actions: plan.actions },
    };
    const shown = { reasons: [], order: { mode: 'Run' } } as const;
    const status = statusOfRun({ run: record }, { ...run, apply, hosts }, shown, 1, record.builtAt);
    expect(JSON.stringify(status).length).toBeLessThan((hosts.length > 2 ? 256 : 32) * KIB);
  });
});

it('is carried out like a whole plan', async () => {
  const options: RunOptions = {
    hosts: Array.from({ length: 7 }, (_, i) => ({ name: `w-${String(i + 1)}` })),
    spec: { workerApplyType: 'serial' },
  };
  const whole = await SimulatedRun.start(options);
  await whole.settle();
  const inParts = await SimulatedRun.start({
    ...options,
    partLimits: { wholeBytes: 0, partBytes: 1, endedStages: 4 },
    restarts: true,
  });
  expect(inParts.run.apply.stages).toHaveLength(1);
  await inParts.settle();
  expect(inParts.run.state).toBe('applied');
  expect(inParts.accepted).toEqual(whole.accepted);
  expect(inParts.wholeApply.stages).toEqual(whole.run.apply.stages);
});

describe('the ended stages of a session', () => {
  const place = { ...RUN, part: 0 };
  const limits = { endedStages: 3 };
  const started = (ended: number, name: Stage['name'] = 'start-maintenance'): PhaseStatus => {
    const stages = [1, 2, 3, 4, 5].map((size, id) => ({ ...planned(size, id), name }));
    let phase = { ...newPhase(stages), inProgress: true };
    for (let id = 0; id < ended; id++) phase = afterStage(phase);
    return phase;
  };

  it('are at hand while they are few, and until the first host is worked on', () => {
    expect(endedPart(started(2), place, limits)).toBeUndefined();
    expect(endedPart(started(4, 'scale-in'), place, limits)).toBeUndefined();
  });

  it('become a part once they are many, and every figure of the phase stays as it was', () => {
    const phase = started(3);
    const found = endedPart(phase, place, limits);
    expect(found?.part).toMatchObject({
      ...place,
      firstStage: 0,
      stages: [{ name: phase.stages[0]?.name }, {}, {}],
    });
    expect(found?.ended).toEqual(phase.stages.slice(0, 3));
    expect(found?.phase.stages.map(({ id }) => id)).toEqual([3, 4]);
    expect(found && figures(found.phase)).toEqual(figures(phase));
  });

  it('follow those of the part before', () => {
    const first = endedPart(started(3), place, limits)?.phase ?? newPhase([]);
    const more = [6, 7, 8].map((size, i) => ({ ...started(0).stages[0], ...planned(size, 5 + i) }));
    let phase: PhaseStatus = {
      ...first,
      stages: [...first.stages, ...newPhase(more).stages.map((stage, i) => ({ ...stage, id: 5 + i }))],
      totalStages: 8,
    };
    for (let id = 3; id < 6; id++) phase = afterStage(phase);
    const second = endedPart(phase, { ...place, part: 1 }, limits);
    expect(second?.part).toMatchObject({ part: 1, firstStage: 3 });
    expect(second?.phase.earlier).toMatchObject({ stages: 6 });
    expect(second?.phase.stages.map(({ id }) => id)).toEqual([6, 7]);
  });
});
