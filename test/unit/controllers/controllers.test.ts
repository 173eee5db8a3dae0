import k8sOperator from '@dot-i/k8s-operator';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { mergePatch } from '../../../src/kube/merge-patch.ts';
import { Outcomes } from '../../../src/engine/outcomes.ts';
import { rebuildNeeded, type RebuildInput } from '../../../src/status/rebuild.ts';
import { OperatorShell } from '../../../src/controllers/runtime/shell.ts';
import { earliest } from '../../../src/controllers/runtime/reconcile-result.ts';
import { WorkQueue } from '../../../src/controllers/runtime/work-queue.ts';
import { updateConditions } from '../../../src/crds/conditions.ts';
import type { RunState } from '../../../src/engine/run-state.ts';
import type { Plan, Stage } from '../../../src/planner/plan.ts';
import { newRun } from '../../../src/engine/run-state.ts';

describe('the merge patch', () => {
  it('turns one object into the other, naming with null what goes', () => {
    expect(mergePatch({ a: 1, b: { c: 1, d: 2 }, e: [1] }, { b: { c: 1 }, e: [2] })).toEqual({
      a: null,
      b: { d: null },
      e: [2],
    });
    expect(mergePatch({ a: { b: 1 } }, { a: { b: 1 } })).toBeUndefined();
  });

  it('does so for any two objects', () => {
    const leaf = fc.oneof(fc.integer(), fc.string(), fc.array(fc.integer()));
    const object = fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.oneof(leaf, fc.dictionary(fc.constantFrom('x', 'y'), leaf)),
    );
    fc.assert(
      fc.property(object, object, (before, after) => {
        expect(applied(before, mergePatch(before, after) ?? {})).toEqual({ ...after });
      }),
    );
  });
});

/** What an API server makes of a merge patch (RFC 7396). */
function applied(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(result, key);
    else result[key] = applied(result[key], value);
  }
  return result;
}

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
  it('are asked for again later each time, up to ten seconds', () => {
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
  it('is asked for again after a while, not at the pace of the answers', () => {
    const outcomes = new Outcomes();
    const effect = { kind: 'release', key: 'k', host: 'h', revision: '1', run: 'r' } as const;
    outcomes.note(effect, { kind: 'unknown', reason: 'the connection broke' }, 0);
    expect(outcomes.all.get('k')).toEqual({ kind: 'blocked', reason: 'the connection broke', retryAt: 1000 });
  });
});

describe('a plan is built again', () => {
  const plan: Plan = {
    digest: 'd',
    stages: [],
    actions: {
      patches: [],
      onForeignUncordon: 'pause',
      drain: { evictUnmanagedPods: false, evictPodsWithLocalData: false },
      timing: {
        lockTimeoutSeconds: 1,
        drainTimeoutSeconds: 1,
        patchTimeoutSeconds: 1,
        verifyTimeoutSeconds: 1,
        unlockTimeoutSeconds: 1,
        settleSeconds: 0,
        stabilizeSeconds: 0,
      },
    },
  };
  const run: RunState = newRun('r', plan);
  const away = (count: number): Stage => ({
    name: 'sw-patch-worker-hosts',
    hosts: Array.from({ length: count }, (_, i) => `w-${String(i)}`),
    patches: [],
    level: 'away',
    steps: [],
    timeoutSeconds: 0,
  });
  const built = Date.parse('2026-11-23T09:00:00Z');
  const input = (state: RunState['state'], changes: Partial<RebuildInput> = {}): RebuildInput => ({
    applyAsked: false,
    status: {
      state,
      run: {
        id: 'r',
        planDigest: 'd',
        specDigest: 's',
        fleetRevision: 'f',
        builtAt: '2026-11-23T09:00:00Z',
        pool: 'default',
      },
    },
    run: { ...run, state },
    mode: 'Hold',
    specDigest: 's',
    fleetRevision: 'f',
    maxUnavailable: 3,
    now: built + 1000,
    ...changes,
  });
  const rebuild = (...args: Parameters<typeof input>): boolean => rebuildNeeded(input(...args)).rebuild;

  it('when the spec changed, but never while a host is out of service', () => {
    expect(rebuild('applied', { specDigest: 'new' })).toBe(true);
    const open = {
      ...run,
      hosts: [{ name: 'h', level: 'away', step: 'verify', attempt: 1, since: '', result: 'wait' }],
    } as const;
    expect(rebuild('applying', { specDigest: 'new', run: { ...open, state: 'applying' } })).toBe(false);
  });

  it('when the fleet changed: before a run starts at once, in Hold after five minutes', () => {
    expect(rebuild('ready-to-apply', { fleetRevision: 'new', mode: 'Run' })).toBe(true);
    const allowed = { ...run, state: 'ready-to-apply', authority: { throughStage: 0 } } as const;
    expect(rebuild('ready-to-apply', { fleetRevision: 'new', run: allowed })).toBe(true);
    expect(rebuild('ready-to-apply', { fleetRevision: 'new' })).toBe(false);
    expect(rebuild('ready-to-apply', { fleetRevision: 'new', now: built + 300_000 })).toBe(true);
  });

  it('when the pool allows less than a stage that is still to come', () => {
    const stage = { ...newRun('r', { ...plan, stages: [away(3)] }).apply.stages[0] };
    const cut = { ...run, state: 'applying', apply: { ...run.apply, stages: [stage] } } as RunState;
    expect(rebuild('applying', { run: cut, maxUnavailable: 2 })).toBe(true);
    expect(rebuild('applying', { run: cut, maxUnavailable: 3 })).toBe(false);
  });

  it('after an abort only when Hold is set: going straight back to Run starts nothing', () => {
    expect(rebuild('aborted', { mode: 'Hold' })).toBe(true);
    expect(rebuild('aborted', { mode: 'Run' })).toBe(false);
    expect(rebuild('aborted', { mode: 'Abort' })).toBe(false);
  });

  it('not for a finished run, whatever is applied again', () => {
    expect(rebuild('applied', { mode: 'Run', fleetRevision: 'new' })).toBe(false);
  });

  it('when its build failed: after half a minute, or when something changed', () => {
    expect(rebuild('build-failed', { run: undefined })).toBe(false);
    expect(rebuild('build-failed', { run: undefined, fleetRevision: 'new' })).toBe(true);
    expect(rebuild('build-failed', { run: undefined, now: built + 30_000 })).toBe(true);
  });

  it('when the status is gone', () => {
    expect(rebuildNeeded({ ...input('applied'), status: {}, run: undefined }).rebuild).toBe(true);
  });
});

describe('the work queue', () => {
  it('runs a key once at a time, and once more when it is added meanwhile', async () => {
    const gates: (() => void)[] = [];
    let running = 0;
    const queue = new WorkQueue({
      atOnce: 4,
      failed: () => undefined,
      work: async () => {
        expect(++running).toBe(1);
        await new Promise<void>((open) => gates.push(open));
        running -= 1;
      },
    });
    queue.add('a');
    queue.add('a');
    queue.add('a');
    gates.shift()?.();
    await new Promise(setImmediate);
    expect(gates).toHaveLength(1);
    gates.shift()?.();
    await queue.stop();
    expect(gates).toHaveLength(0);
  });

  it('tries a key again that failed', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    let tries = 0;
    const queue = new WorkQueue({
      atOnce: 1,
      failed: (_key, error) => expect(String(error)).toContain('first'),
      work: async () => {
        if (++tries === 1) throw new Error('first');
        resolve(undefined);
      },
    });
    queue.add('a');
    await promise;
    await queue.stop();
    expect(tries).toBe(2);
  });
});

describe('a worker that says when its key is to run again', () => {
  function faked(): void {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
  }

  it('has it run then, and at once when that time has passed', async () => {
    faked();
    const answers = [-1, 5_000];
    let runs = 0;
    const queue = new WorkQueue({
      atOnce: 1,
      failed: () => undefined,
      work: async () => {
        runs += 1;
        return Promise.resolve(answers.shift());
      },
    });
    queue.add('a');
    await vi.advanceTimersByTimeAsync(4_999);
    expect(runs).toBe(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(runs).toBe(3);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(runs).toBe(3);
    await queue.stop();
  });

  it('is asked anew when the key was added meanwhile', async () => {
    faked();
    const answers = [5_000];
    let runs = 0;
    const queue: WorkQueue = new WorkQueue({
      atOnce: 1,
      failed: () => undefined,
      work: async (key) => {
        await Promise.resolve();
        if (++runs === 1) queue.add(key);
        return answers.shift();
      },
    });
    queue.add('a');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(runs).toBe(2);
    await queue.stop();
  });
});

describe('the results of parts of a pass', () => {
  it('have the first of their times, and none when no part has one', () => {
    expect(earliest({ requeueAt: 7 }, {}, { requeueAt: 3 }, { requeueAt: undefined })).toEqual({
      requeueAt: 3,
    });
    expect(earliest({}, { requeueAt: undefined })).toEqual({});
  });
});

describe('a wish for later', () => {
  it('is the earliest that counts, also when the wall clock was set forward since the other', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const done: string[] = [];
    const queue = new WorkQueue({
      atOnce: 1,
      failed: () => undefined,
      work: async (key) => void done.push(key),
    });
    queue.addAfter('a', 300_000);
    vi.setSystemTime(Date.now() + 3_600_000);
    queue.addAfter('a', 1_000);
    vi.advanceTimersByTime(1_000);
    expect(done).toEqual(['a']);
    await queue.stop();
  });
});

describe('the operator shell', () => {
  const methods = (prototype: object): string[] => Object.getOwnPropertyNames(prototype).sort();

  it('replaces all that talks to the API server, and knows the rest: an update cannot slip in a new way', () => {
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
