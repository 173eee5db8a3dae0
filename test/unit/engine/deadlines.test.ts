import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { advance } from '../../../src/engine/advance.ts';
import { CAREEN_ENGINE } from '../../../src/engine/profiles/careen.ts';
import { VIM_ENGINE } from '../../../src/engine/profiles/vim.ts';
import { NO_CONTROLLERS, type HostFacts } from '../../../src/engine/view.ts';
import type { RunRequest } from '../../../src/engine/turn.ts';
import { runningStep, type RunState } from '../../../src/engine/run/run-state.ts';
import { DONE, type Verdict } from '../../../src/engine/steps/verdict.ts';
import { nextDeadline } from '../../../src/engine/run/timers.ts';
import type { Plan } from '../../../src/planner/plan.ts';
import { openAndFree, workers } from '../support/fleets.ts';
import { EPOCH } from '../../../src/cli/simulate/simulated-operator.ts';
import { NODE_WORDS } from '../../../src/hostops/node-words.ts';
import { OWNER, SimulatedRun } from '../support/simulated-run.ts';

const RUNS: Verdict = { kind: 'wait', reason: 'its pods are leaving' };
/** The timeout of the step that runs. */
const DRAIN_SECONDS = 100;

let plan: Plan;
/** A run at the beginning of the step, just observed. */
let draining: RunState;
let start: number;

beforeAll(async () => {
  const run = await SimulatedRun.start({
    hosts: workers(2),
    spec: { timing: { drainTimeoutSeconds: DRAIN_SECONDS } },
  });
  run.world.addPod({ host: 'w-1', name: 'slow' });
  await run.until(() => run.step === 'migrate-instances-from-host');
  ({ plan, run: draining } = run);
  start = run.world.now;
  expect(draining.lastObservedTime).toBe(new Date(start).toISOString());
});

/** The decision of an operator, so many seconds after the beginning of the step by its own clock. */
function observe(
  run: RunState,
  second: number,
  verdict = RUNS,
  mode: 'Run' | 'Suspend' | 'Abort' = 'Run',
  { profile = CAREEN_ENGINE, restarted = false, requests = [] as RunRequest[] } = {},
) {
  const turn = {
    ...{ owner: OWNER, order: { mode }, requests, restarted, pool: 'default', epoch: EPOCH },
    view: {
      host: present,
      seeds: () => [],
      effect: () => undefined,
      job: () => undefined,
      jobsOn: () => [],
      signal: () => undefined,
      words: NODE_WORDS,
      fleet: {
        ...{ total: 2, outOfServiceByOthers: new Set<string>(), claimedAway: new Set<string>() },
        closedByRuns: new Map(),
        ...{ controllers: NO_CONTROLLERS, keptByOtherPools: new Set<string>(), revision: '1' },
      },
    },
    permits: { held: new Map(['w-1', 'w-2'].map((host) => [host, 'away'] as const)) },
    outcomes: new Map(),
    now: start + second * 1000,
  };
  // The verdict is for the open step; a step that follows it in the same pass runs.
  let said: Verdict | undefined = verdict;
  const decision = advance(plan, run, turn, profile, (_step, hosts) => {
    const judged = said ?? RUNS;
    said = undefined;
    return hosts.map(({ name }) => ({ host: name, verdict: judged }));
  });
  return decision.run;
}

/** The same, by one operator over time: it observes at least every ten seconds. */
function observeUntil(run: RunState, from: number, to: number): RunState {
  let current = run;
  for (let second = from; second < to; second += 10) current = observe(current, second);
  return observe(current, to);
}

/** A host of the run, as far as nothing but the verdict depends on it. */
function present(name: string): HostFacts {
  const uid = draining.hosts.find((each) => each.name === name)?.uid ?? '';
  return {
    ...{ name, uid, isMember: true, revision: '1', closedToNewWork: false, ready: true, alarms: [] },
    ...{ bootId: 'b', facts: {}, claim: undefined, spoiltClaim: undefined, hasMaintenanceMark: false },
    ...{ foreignTaints: [], instances: undefined, joinedAt: undefined },
  };
}

function stepOf(run: RunState) {
  return run.apply.stages[0]?.steps.find(({ name }) => name === 'migrate-instances-from-host');
}

/** Seconds until the open step times out, by a clock at this second. */
function secondsLeft(run: RunState, second: number): number {
  const running = runningStep(run);
  if (!running) throw new Error('no step is open');
  return (nextDeadline(running) - start) / 1000 - second;
}

/** The run as if a stage, or the phase, had begun earlier. */
function begunEarlier(part: 'stage' | 'phase', seconds: number): RunState {
  const run = structuredClone(draining);
  const running = runningStep(run);
  if (!running) throw new Error('no step is open');
  const earlier = new Date(start - seconds * 1000).toISOString();
  if (part === 'stage') running.stage.startTime = earlier;
  else running.phase.timedSince = earlier;
  return run;
}

describe('a deadline', () => {
  it('is checked after the observation: a step that was done unobserved is done', () => {
    const run = observeUntil(draining, 0, DRAIN_SECONDS - 1);
    expect(stepOf(observe(run, DRAIN_SECONDS + 5, DONE))?.result).toBe('success');
    expect(stepOf(observe(run, DRAIN_SECONDS + 5))?.result).toBe('timed-out');
  });

  it('ends its step to the second', () => {
    const run = observeUntil(draining, 0, DRAIN_SECONDS - 1);
    expect(stepOf(run)?.result).toBe('wait');
    const late = observe(run, DRAIN_SECONDS);
    expect(stepOf(late)).toMatchObject({
      result: 'timed-out',
      reason: `after ${String(DRAIN_SECONDS)} s: its pods are leaving`,
    });
  });

  it.each(['stage', 'phase'] as const)(
    'of a %s ends the running step, and the hosts are released',
    (part) => {
      const { apply } = draining;
      const { timeoutSeconds = 0 } = part === 'stage' ? (apply.stages[0] ?? {}) : apply;
      const run = begunEarlier(part, timeoutSeconds - 10);
      expect(secondsLeft(run, 0)).toBe(10);
      expect(stepOf(observe(run, 9))?.result).toBe('wait');
      const late = observe(run, 10);
      expect(stepOf(late)).toMatchObject({
        result: 'timed-out',
        reason: `after ${String(timeoutSeconds)} s of the whole ${part}: its pods are leaving`,
      });
      const ended = observe(late, 11, DONE);
      expect(ended).toMatchObject({ state: 'apply-timeout', apply: { result: 'timed-out' }, hosts: [] });
    },
  );

  it('of a stage limits its Jobs, too: no Job runs when its host may have failed', async () => {
    const run = await SimulatedRun.start({ hosts: workers(1) });
    await run.until(() => run.step === 'sw-patch-hosts');
    const stored = structuredClone(run.run);
    const running = runningStep(stored);
    if (!running) throw new Error('no step is open');
    const { stage } = running;
    stage.startTime = new Date(run.world.now - (stage.timeoutSeconds - 50) * 1000).toISOString();
    run.run = stored;
    await run.until(() => run.accepted.some(({ kind }) => kind === 'start-job'));
    const started = run.accepted.find((effect) => effect.kind === 'start-job');
    expect(started).toMatchObject({ timeoutSeconds: 50 + 5 });
  });

  it('of a phase counts from the moment when the run resumes after a pause', async () => {
    const run = await SimulatedRun.start({ hosts: workers(4) });
    run.order = { mode: 'Run', throughStage: 0 };
    await run.settle();
    const [first, second] = run.run.apply.stages;
    expect(run.run.apply).not.toHaveProperty('timedSince');
    run.order = { mode: 'Hold' };
    await run.elapse(100_000_000);
    run.order = { mode: 'Run' };
    await run.next();
    expect(run.run.apply).toMatchObject({
      timedSince: new Date(run.world.now).toISOString(),
      timeoutSeconds: (second?.timeoutSeconds ?? 0) + 1,
    });
    expect(second?.timeoutSeconds).toBe(first?.timeoutSeconds);
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });
});

describe('the deadline for the release of hosts after a failed step', () => {
  /** The run whose step fails at this second. */
  function failedAt(run: RunState, second: number): RunState {
    const failing = observe(run, second, { kind: 'failed', reason: 'a pod needs consent' });
    expect([stepOf(failing)?.result, failing.state]).toEqual(['failed', 'applying']);
    return failing;
  }

  it('does not move when the deadline of its step was extended', () => {
    const { unlockTimeoutSeconds } = plan.actions.timing;
    const suspended = observe(observe(draining, 10), 10, RUNS, 'Suspend');
    const failing = failedAt(observe(suspended, 1010), 1020);
    const end = 1020 + unlockTimeoutSeconds;
    expect(observeUntil(failing, 1020, end - 1).state).toBe('applying');
    expect(observeUntil(failing, 1020, end).state).toBe('apply-failed');
  });

  it('is extended by the time of a suspension', () => {
    const { unlockTimeoutSeconds } = plan.actions.timing;
    const failing = failedAt(observe(draining, 10), 20);
    const resumed = observe(observe(failing, 20, RUNS, 'Suspend'), 1020);
    const end = 1020 + unlockTimeoutSeconds;
    expect(observeUntil(resumed, 1020, end - 1).state).toBe('applying');
    expect(observeUntil(resumed, 1020, end).state).toBe('apply-failed');
  });
});

describe('the deadline of a phase', () => {
  it('counts from the restart of a failed run', async () => {
    const run = await SimulatedRun.start({ hosts: [{ name: 'w-1', behaviour: 7 }] });
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    await run.elapse(100_000_000);
    run.requests = [{ id: 'q-1', verb: 'retry' }];
    await run.next();
    expect(run.run).toMatchObject({
      state: 'applying',
      apply: { timedSince: new Date(run.world.now).toISOString() },
    });
  });

  it('begins with the next observation when no start is stored', () => {
    const { timedSince: _timed, ...apply } = draining.apply;
    const run = observe({ ...draining, apply, lastObservedTime: undefined }, 20);
    expect(run.apply.timedSince).toBe(new Date(start + 20_000).toISOString());
    expect(secondsLeft(run, 20)).toBe(DRAIN_SECONDS - 20);
  });
});

describe('a gap without an operator', () => {
  it('of over 30 s extends the deadlines of step, stage and phase, by no more than the gap', () => {
    const run = observe(observe(draining, 20), 420);
    const { step, stage, phase } = runningStep(run) ?? {};
    // The observation at 20 s is stored, the next one was due at 40 s.
    expect([step, stage, phase].map((each) => each?.extendedSeconds)).toEqual([380, 380, 380]);
    expect(run.lastObservedTime).toBe(new Date(start + 420_000).toISOString());
  });

  it('of 30 s extends nothing', () => {
    const run = observe(observe(draining, 20), 50);
    expect(stepOf(run)).not.toHaveProperty('extendedSeconds');
    expect(secondsLeft(run, 50)).toBe(50);
  });

  it('counts once, whether the operator dies before or after it has stored the extension', () => {
    const before = observe(draining, 20);
    const lost = observe(before, 320);
    const written = observe(before, 325);
    expect([lost, written].map((run) => stepOf(run)?.extendedSeconds)).toEqual([280, 285]);
    // After the write the next operator finds no gap, also in the same moment and in another process.
    for (const second of [325, 326, 355]) expect(stepOf(observe(written, second))?.extendedSeconds).toBe(285);
    // Another leader decided on the older status: one of the two writes is refused, and both are equal.
    expect(observe(before, 325)).toEqual(written);
  });

  it('does not keep a run in a crash loop alive for ever, however short each life is', () => {
    let run = draining;
    let lives = 0;
    for (let second = 0; stepOf(run)?.result === 'wait'; second += 300) {
      run = observe(run, second);
      lives += 1;
      expect(lives).toBeLessThan(10);
    }
    expect(stepOf(run)?.result).toBe('timed-out');
  });

  it('of less than 30 s extends nothing, also when there are many', () => {
    let run = draining;
    for (let second = 0; second < DRAIN_SECONDS; second += 25) run = observe(run, second);
    expect(stepOf(run)).not.toHaveProperty('extendedSeconds');
    expect(stepOf(observe(run, DRAIN_SECONDS))?.result).toBe('timed-out');
  });

  it('does not count during a suspension', () => {
    const suspended = observe(observe(draining, 10), 20, RUNS, 'Suspend');
    expect(suspended.lastObservedTime).toBeUndefined();
    const resumed = observe(suspended, 1020);
    expect(stepOf(resumed)?.extendedSeconds).toBe(1000);
    expect(secondsLeft(resumed, 1020)).toBe(80);
  });

  it('counts for an abort, which no suspension stops', () => {
    const aborting = observe(observe(draining, 10, RUNS, 'Abort'), 12, DONE, 'Abort');
    expect(aborting.currentPhase).toBe('abort');
    const later = observe(aborting, 512, RUNS, 'Suspend');
    expect(secondsLeft(later, 512)).toBe(secondsLeft(aborting, 20));
  });

  it('does not count between two stages', async () => {
    const run = await SimulatedRun.start({ hosts: workers(4) });
    run.order = { mode: 'Run', throughStage: 0 };
    await run.settle();
    expect(run.run.lastObservedTime).toBeUndefined();
  });
});

describe('a clock', () => {
  it('that was set back extends nothing, nor does its correction', () => {
    const before = observeUntil(draining, 0, 60);
    const back = observe(before, 0);
    expect(back).toEqual(before);
    const right = observe(back, 61);
    expect(stepOf(right)).not.toHaveProperty('extendedSeconds');
    expect(secondsLeft(right, 61)).toBe(DRAIN_SECONDS - 61);
  });

  it('that was set back during a suspension extends nothing', () => {
    const suspended = observe(observeUntil(draining, 0, 50), 50, RUNS, 'Suspend');
    expect(stepOf(observe(suspended, 20))?.extendedSeconds).toBe(0);
  });

  it('of the next leader that is ahead shortens a deadline by one pass interval at most', () => {
    const before = observe(draining, 20);
    expect(secondsLeft(observe(before, 80), 80)).toBe(secondsLeft(before, 20) - 20);
  });

  it('costs at most 30 s between two observations, however far apart they are, and never adds time', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 20 }), (pauses) => {
        let run = draining;
        let second = 0;
        for (const pause of pauses) {
          const left = secondsLeft(run, second);
          second += pause;
          run = observe(run, second);
          if (stepOf(run)?.result !== 'wait') return;
          expect(secondsLeft(run, second)).toBeGreaterThanOrEqual(left - 30);
          expect(secondsLeft(run, second)).toBeLessThanOrEqual(left);
        }
      }),
    );
  });
});

describe('a restart', () => {
  const RESTART = { restarted: true };

  it('changes no deadline', () => {
    const run = observe(observeUntil(draining, 0, 50), 50, RUNS, 'Run', RESTART);
    expect(secondsLeft(run, 50)).toBe(DRAIN_SECONDS - 50);
  });

  it('in the VIM restarts all timers, and nothing else extends them', () => {
    const vim = { profile: VIM_ENGINE };
    const run = observe(draining, 50, RUNS, 'Run', { ...vim, ...RESTART });
    const { step, stage, phase } = runningStep(run) ?? {};
    expect([step, stage].map((each) => each?.extendedSeconds)).toEqual([50, 50]);
    expect(phase).toMatchObject({
      timedSince: new Date(start + 50_000).toISOString(),
      timeoutSeconds: (stage?.timeoutSeconds ?? 0) + 1,
    });
    expect(secondsLeft(run, 50)).toBe(DRAIN_SECONDS);
    expect(stepOf(observe(run, 50 + DRAIN_SECONDS, RUNS, 'Run', vim))?.result).toBe('timed-out');
  });
});
