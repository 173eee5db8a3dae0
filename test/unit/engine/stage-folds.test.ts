import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PhaseStatus, StageStatus } from '../../../src/crds/patch-strategy-status.ts';
import { editStage } from '../../../src/engine/pass.ts';
import { isFinal, newPhase } from '../../../src/engine/run-state.ts';
import {
  changedStages,
  endedPercentage,
  largestFrom,
  sumOverFirst,
} from '../../../src/engine/stage-folds.ts';
import type { Stage } from '../../../src/planner/plan.ts';

function planned(size: number): Stage {
  const names = ['lock-hosts', 'sw-patch-hosts', 'unlock-hosts'] as const;
  return {
    name: 'sw-patch-worker-hosts',
    hosts: Array.from({ length: size }, (_, i) => `w-${String(i)}`),
    patches: [],
    level: 'away',
    steps: names.slice(0, 1 + (size % 3)).map((name) => ({ name, timeoutSeconds: 1 })),
    timeoutSeconds: 1,
  };
}

const phases = fc
  .array(fc.integer({ min: 0, max: 9 }), { maxLength: 20 })
  .map((sizes) => newPhase(sizes.map(planned)));
const size = ({ hosts = [] }: StageStatus): number => hosts.length;

/** Ends the open stage, as a pass does: on a copy. */
function afterStage(phase: PhaseStatus): PhaseStatus {
  const next = { ...phase, stages: [...phase.stages] };
  const stage = editStage(next, phase.currentStage);
  for (const step of stage?.steps ?? []) step.result = 'success';
  next.currentStage += 1;
  return next;
}

describe('a value over many stages', () => {
  it('is that of a plain loop, wherever the run stands and whatever was asked before', () => {
    fc.assert(
      fc.property(phases, fc.array(fc.nat(20), { maxLength: 10 }), (begun, asked) => {
        const [sum, largest] = [sumOverFirst(size), largestFrom(size)];
        let phase = begun;
        for (const index of [...asked, phase.stages.length, 0]) {
          const at = Math.min(index, phase.stages.length);
          expect(sum(phase.stages, at)).toBe(
            phase.stages.slice(0, at).reduce((all, each) => all + size(each), 0),
          );
          const [, ...rest] = phase.stages.slice(phase.currentStage);
          expect(largest(phase.stages, phase.currentStage + 1)).toBe(Math.max(0, ...rest.map(size)));
          const steps = phase.stages.flatMap((stage) => stage.steps);
          const ended = steps.filter(({ result }) => isFinal(result)).length;
          const percentage = steps.length === 0 ? undefined : Math.floor((100 * ended) / steps.length);
          expect(endedPercentage(phase)).toBe(percentage);
          if (phase.currentStage < phase.stages.length) phase = afterStage(phase);
        }
      }),
    );
  });

  it('looks at each ended stage once', () => {
    let looks = 0;
    const sum = sumOverFirst(() => (looks += 1));
    const { stages } = newPhase(Array.from({ length: 100 }, () => planned(1)));
    sum(stages, 99);
    sum(stages, 100);
    sum([...stages], 100);
    expect(looks).toBe(100);
  });
});

it('names the stages that a pass has copied, and no other', () => {
  const before = newPhase([planned(1), planned(2), planned(3)]);
  const after = { ...before, stages: [...before.stages] };
  editStage(after, 1);
  expect(changedStages(before, after)).toEqual([{ before: before.stages[1], after: after.stages[1] }]);
  expect(editStage(after, 3)).toBeUndefined();
});
