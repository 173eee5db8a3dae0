import k8sOperator from '@dot-i/k8s-operator';
import { describe, expect, it } from 'vitest';
import { Outcomes } from '../../../src/engine/outcomes.ts';
import { OperatorShell } from '../../../src/controllers/runtime/shell.ts';
import { updateConditions } from '../../../src/crds/observed/conditions.ts';

describe('conditions', () => {
  it('keep the time of their last transition unless their status flips', () => {
    const wish = { type: 'Ready', status: 'False', reason: 'Applying', message: '' } as const;
    const before = updateConditions([], [wish], 1, 'early');
    expect(updateConditions(before, [{ ...wish, reason: 'PausedAtStage' }], 2, 'late')[0]).toMatchObject({
      lastTransitionTime: 'early',
      observedGeneration: 2,
    });
    expect(updateConditions(before, [{ ...wish, status: 'True' }], 2, 'late')[0]).toMatchObject({
      lastTransitionTime: 'late',
    });
  });
});

describe('blocked effects', () => {
  it('are repeated with a growing delay, up to ten seconds', () => {
    const outcomes = new Outcomes();
    const effect = {
      kind: 'evict',
      key: 'k',
      host: 'h',
      instance: { uid: 'u', namespace: 'n', name: 'p' },
    } as const;
    const waits = Array.from({ length: 6 }, () => {
      outcomes.note(effect, { kind: 'blocked', reason: 'budget' }, 0);
      const outcome = outcomes.all.get('k');
      return outcome?.kind === 'blocked' ? outcome.retryAt : undefined;
    });
    expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  });
});

describe('an effect that may or may not have happened', () => {
  it('is repeated after a delay, not at the pace of the answers', () => {
    const outcomes = new Outcomes();
    const effect = { kind: 'release', key: 'k', host: 'h', revision: '1', run: 'r' } as const;
    outcomes.note(effect, { kind: 'unknown', reason: 'the connection broke' }, 0);
    expect(outcomes.all.get('k')).toEqual({ kind: 'blocked', reason: 'the connection broke', retryAt: 1000 });
  });
});

describe('the removal of a Job that has changed', () => {
  it('is repeated after a delay, also when the watch reports no change', () => {
    const outcomes = new Outcomes();
    const job = { name: 'j', uid: 'u', revision: '1' };
    outcomes.note({ kind: 'delete-job', key: 'k', host: 'h', ...job }, { kind: 'stale' }, 0);
    expect(outcomes.all.get('k')).toEqual({ kind: 'blocked', reason: 'Job j has changed', retryAt: 1000 });
  });
});

describe('the operator shell', () => {
  const methods = (prototype: object): string[] => Object.getOwnPropertyNames(prototype).sort();

  it('replaces every method that talks to the API server: an update cannot add one unnoticed', () => {
    const base = methods(k8sOperator.default.prototype);
    const kept = base.filter((name) => !methods(OperatorShell.prototype).includes(name));
    expect(kept).toEqual([
      'applyAxiosKubeConfigAuth',
      'applyGaxiosKubeConfigAuth',
      'errorToJson',
      'handleResourceFinalizer',
      'resourceStatusRequest',
      'start',
    ]);
  });
});
