import { describe, expect, it, vi } from 'vitest';
import { updateConditions } from '../../../../src/crds/observed/conditions.ts';
import { newRun, type RunState } from '../../../../src/engine/run/run-state.ts';
import type { Plan, Stage } from '../../../../src/planner/plan.ts';
import { rebuildNeeded, type RebuildInput } from '../../../../src/status/stored/rebuild.ts';

describe('a plan is rebuilt', () => {
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

  it('without a look at every host while a run is carried out', () => {
    const applying = input('applying');
    const look = vi.fn(() => 'new');
    const lazily = {
      ...applying,
      get fleetRevision() {
        return look();
      },
    };
    look.mockClear();
    expect(rebuildNeeded(lazily).rebuild).toBe(false);
    expect(look).not.toHaveBeenCalled();
  });

  it('when the spec changed, but never while a host is out of service', () => {
    expect(rebuild('applied', { specDigest: 'new' })).toBe(true);
    const open = {
      ...run,
      hosts: [{ name: 'h', level: 'away', step: 'verify', attempt: 1, since: '', result: 'wait' }],
    } as const;
    expect(rebuild('applying', { specDigest: 'new', run: { ...open, state: 'applying' } })).toBe(false);
  });

  describe('after it was applied', () => {
    const stagesOf = (changes: object): RunState => ({
      ...newRun('r', { ...plan, stages: [away(2)] }),
      state: 'applied',
      ...changes,
    });
    const patched = stagesOf({});
    const left = ['w-0', 'w-1'].map((name) => ({ name, reason: 'gone' }));
    const [stage] = patched.apply.stages;
    const abandoned = stagesOf({ apply: { ...patched.apply, stages: [{ ...stage, left }] } });
    const lacking = { hosts: 3, lacking: ['w-9'] };

    it('and patched nobody, when hosts lack a patch or none is left, unless the fleet is the same', () => {
      for (const run of [undefined, abandoned]) {
        const of = (changes: Partial<RebuildInput>): boolean =>
          rebuild('applied', { ...(run ? { run } : {}), ...changes });
        expect(of({ fleetRevision: 'new', needs: lacking })).toBe(true);
        expect(of({ fleetRevision: 'new', needs: { hosts: 0, lacking: [] } })).toBe(true);
        expect(of({ fleetRevision: 'new', needs: { hosts: 3, lacking: [] } })).toBe(false);
        expect(of({ needs: lacking, restAsked: true })).toBe(false);
        expect(of({ needs: { hosts: 3, lacking: [] }, overlaps: true })).toBe(true);
      }
    });

    it('and all its hosts failed to be staged, only on request', () => {
      const unstaged = left.map((each) => ({ ...each, unstaged: true as const }));
      const staging = { ...stage, name: 'sw-upgrade-stage-hosts', left: unstaged };
      const failed = stagesOf({
        apply: { ...patched.apply, stages: [staging, { ...stage, left: unstaged }] },
      });
      const of = (changes: Partial<RebuildInput>): boolean =>
        rebuild('applied', { run: failed, fleetRevision: 'new', needs: lacking, ...changes });
      expect(of({})).toBe(false);
      expect(of({ restAsked: true })).toBe(true);
    });

    it('and patched hosts, only on request, and only when hosts lack a patch', () => {
      const of = (changes: Partial<RebuildInput>): boolean =>
        rebuild('applied', { run: patched, fleetRevision: 'new', needs: lacking, ...changes });
      expect(of({})).toBe(false);
      expect(of({ restAsked: true })).toBe(true);
      expect(of({ restAsked: true, fleetRevision: 'f' })).toBe(true);
      expect(of({ restAsked: true, needs: { hosts: 3, lacking: [] } })).toBe(false);
      expect(of({ restAsked: true, mode: 'Suspend' })).toBe(false);
      expect(of({ restAsked: true, mode: 'Abort' })).toBe(false);
    });
  });

  it('when a stage is larger than the pool allows, except in a profile of the VIM', () => {
    const large = { run: newRun('r', { ...plan, stages: [away(4)] }) };
    expect(rebuild('ready-to-apply', large)).toBe(true);
    expect(rebuild('ready-to-apply', { ...large, profile: 'vim-2024' })).toBe(false);
  });

  it('when the fleet changed: at once before a run starts, after five minutes in Hold', () => {
    expect(rebuild('ready-to-apply', { fleetRevision: 'new', mode: 'Run' })).toBe(true);
    const allowed = { ...run, state: 'ready-to-apply', authority: { throughStage: 0 } } as const;
    expect(rebuild('ready-to-apply', { fleetRevision: 'new', run: allowed })).toBe(true);
    expect(rebuild('ready-to-apply', { fleetRevision: 'new' })).toBe(false);
    expect(rebuild('ready-to-apply', { fleetRevision: 'new', now: built + 300_000 })).toBe(true);
  });

  it('when the pool allows less than a future stage', () => {
    const stage = { ...newRun('r', { ...plan, stages: [away(3)] }).apply.stages[0] };
    const cut = { ...run, state: 'applying', apply: { ...run.apply, stages: [stage] } } as RunState;
    expect(rebuild('applying', { run: cut, maxUnavailable: 2 })).toBe(true);
    expect(rebuild('applying', { run: cut, maxUnavailable: 3 })).toBe(false);
  });

  it('after an abort only when Hold is set: Run without Hold starts nothing', () => {
    expect(rebuild('aborted', { mode: 'Hold' })).toBe(true);
    expect(rebuild('aborted', { mode: 'Run' })).toBe(false);
    expect(rebuild('aborted', { mode: 'Abort' })).toBe(false);
  });

  it('not for a finished run, even when its manifest is applied again', () => {
    expect(rebuild('applied', { mode: 'Run', fleetRevision: 'new' })).toBe(false);
  });

  it('when its build failed: after half a minute, or when something changed', () => {
    expect(rebuild('build-failed', { run: undefined })).toBe(false);
    expect(rebuild('build-failed', { run: undefined, fleetRevision: 'new' })).toBe(true);
    expect(rebuild('build-failed', { run: undefined, now: built + 30_000 })).toBe(true);
  });

  it('when its build failed again and again: ever more seldom, down to every five minutes', () => {
    const dueAfter = (failedBuilds: number, seconds: number): boolean =>
      rebuild('build-failed', { run: undefined, failedBuilds, now: built + seconds * 1000 });
    for (const [failed, seconds] of [
      [1, 30],
      [2, 60],
      [3, 120],
      [9, 300],
    ] as const) {
      expect(dueAfter(failed, seconds - 1), `after ${String(failed)} failures`).toBe(false);
      expect(dueAfter(failed, seconds), `after ${String(failed)} failures`).toBe(true);
    }
  });

  it('when a host joins a pool without hosts, and otherwise only every five minutes', () => {
    const conditions = updateConditions(
      [],
      [{ type: 'Ready', status: 'False', reason: 'NoHosts', message: '' }],
      1,
      '',
    );
    const of = (changes: Partial<RebuildInput>): boolean => {
      const empty = input('build-failed', { run: undefined, ...changes });
      return rebuildNeeded({ ...empty, status: { ...empty.status, conditions } }).rebuild;
    };
    expect(of({ now: built + 30_000 })).toBe(false);
    expect(of({ fleetRevision: 'new' })).toBe(true);
    expect(of({ now: built + 300_000 })).toBe(true);
  });

  it('when the status is missing', () => {
    expect(rebuildNeeded({ ...input('applied'), status: {}, run: undefined }).rebuild).toBe(true);
  });
});
