import { expect, it } from 'vitest';
import { editStage } from '../../../src/engine/pass.ts';
import { newPhase } from '../../../src/engine/run/run-state.ts';
import { changedStages } from '../../../src/engine/run/stage-folds.ts';
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

it('names the stages that a pass has copied, and no other', () => {
  const before = newPhase([planned(1), planned(2), planned(3)]);
  const after = { ...before, stages: [...before.stages] };
  editStage(after, 1);
  expect(changedStages(before, after)).toEqual([{ before: before.stages[1], after: after.stages[1] }]);
  expect(editStage(after, 3)).toBeUndefined();
});
