import { describe, expect, it } from 'vitest';
import type { NewPod } from '../../../src/hostops/simulated/simulated-objects.ts';
import { workers } from '../support/fleets.ts';
import { SimulatedRun, type RunOptions } from '../support/simulated-run.ts';

const HOST = 'w-1';
const DRAIN = 'migrate-instances-from-host';
const TOLERANT = { host: HOST, name: 'agent', ignoresClosing: true };

async function start(
  pods: readonly NewPod[],
  { spec = {}, restarts = true }: Partial<RunOptions> = {},
): Promise<SimulatedRun> {
  const run = await SimulatedRun.start({ hosts: workers(1), spec, restarts });
  for (const pod of pods) run.world.addPod(pod);
  run.world.advanceTo(run.world.now + 1_000);
  return run;
}

function evictions({ accepted }: SimulatedRun): number {
  return accepted.filter(({ kind }) => kind === 'evict').length;
}

/** Replaces a pod on its host once it is gone, after this time. */
function replaces(run: SimulatedRun, pod: NewPod, milliseconds: number): void {
  let wasThere = false;
  const stop = run.world.listen(() => {
    const isThere = run.world.podsOn(HOST).some(({ name }) => name === pod.name);
    if (wasThere && !isThere) {
      stop();
      run.world.after(milliseconds, () => run.world.addPod(pod));
    }
    wasThere = isThere;
  });
}

describe('a pod that a closed host does not keep away', () => {
  it.each([0, 3_000])(
    'and that returns %i ms after it left is evicted once, and named until it goes',
    async (delay) => {
      const run = await start([TOLERANT]);
      replaces(run, TOLERANT, delay);
      await run.until(() => evictions(run) === 1);
      await run.elapse(100_000);
      expect([run.step, evictions(run), run.world.jobs.size]).toEqual([DRAIN, 1, 0]);
      expect(run.reasons).toEqual([
        '1 pod left on w-1; pod default/agent of ReplicaSet agent came after the cordon, which does not keep it away, ' +
          'so it is not evicted: remove its toleration of node.kubernetes.io/unschedulable, or scale its workload down',
      ]);
      for (const { uid } of run.world.podsOn(HOST)) run.world.removePod(uid);
      await run.settle();
      expect([run.run.state, evictions(run)]).toEqual(['applied', 1]);
    },
  );

  it('and that came after the permission is evicted like any other, as long as none of its kind has left', async () => {
    const run = await start([{ host: HOST, name: 'db-0', budget: 'db' }]);
    run.world.setBudget('db', 0);
    await run.until(() => run.step === DRAIN);
    await run.elapse(5_000);
    run.world.addPod(TOLERANT);
    await run.elapse(60_000);
    expect(run.world.podsOn(HOST).map(({ name }) => name)).toEqual(['db-0']);
    const again = run.world.addPod(TOLERANT);
    await run.elapse(60_000);
    expect(evictions(run), 'and has then come back').toBe(1);
    run.world.removePod(again.uid);
    run.world.setBudget('db', 1);
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('does not count as returned while the pod of its kind that was asked to leave may not', async () => {
    const run = await start([{ ...TOLERANT, budget: 'agent' }]);
    run.world.setBudget('agent', 0);
    await run.until(() => run.step === DRAIN);
    await run.elapse(5_000);
    run.world.addPod(TOLERANT);
    await run.elapse(60_000);
    expect(run.world.podsOn(HOST).map(({ budget }) => budget)).toEqual(['agent']);
  });

  it('that returns when a person deletes it does not pass as an empty host in between', async () => {
    const run = await start([TOLERANT]);
    replaces(run, TOLERANT, 3_000);
    await run.until(() => run.reasons.join().includes('came after the cordon'));
    await run.elapse(60_000);
    for (const { uid } of run.world.podsOn(HOST)) run.world.removePod(uid);
    await run.elapse(3_000);
    run.world.addPod(TOLERANT);
    await run.elapse(60_000);
    expect([run.step, run.world.jobs.size]).toEqual([DRAIN, 0]);
  });

  it('delays the work on its host until it has stayed away for a while', async () => {
    const run = await start([TOLERANT]);
    await run.until(() => evictions(run) === 1);
    await run.until(() => run.world.podsOn(HOST).length === 0);
    const emptyAt = run.world.now;
    await run.until(() => run.world.jobs.size > 0);
    expect(run.world.now - emptyAt).toBe(10_000);
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('is evicted like any other when it came while the host was uncordoned', async () => {
    const run = await start([]);
    run.world.setBudget('db', 0);
    run.world.addPod({ host: HOST, name: 'db-0', budget: 'db' });
    await run.until(() => run.step === DRAIN);
    run.world.changeHost(HOST, { closedToNewWork: false });
    await run.elapse(5_000);
    run.world.addPod(TOLERANT);
    await run.elapse(5_000);
    run.world.changeHost(HOST, { closedToNewWork: true });
    await run.elapse(20_000);
    expect(run.world.podsOn(HOST).map(({ name }) => name)).toEqual(['db-0']);
  });
});

describe('a pod that a budget keeps', () => {
  it('is the obstacle of its stage until it may leave, also while its eviction is retried', async () => {
    const run = await start([], { restarts: false });
    run.world.setBudget('db', 0);
    run.world.addPod({ host: HOST, name: 'db-0', budget: 'db' });
    await run.until(() => run.obstacle !== undefined);
    const seen = new Set<string | undefined>();
    for (let i = 0; i < 30; i++) {
      await run.next();
      seen.add(run.obstacle);
    }
    expect([...seen]).toEqual(['DrainBlocked']);
    run.world.setBudget('db', 1);
    await run.until(() => run.step !== DRAIN);
    expect(run.obstacle).toBeUndefined();
  });
});

describe('a pod that needs consent and was there before', () => {
  it('ends the run before any eviction, and the message says what to do and then to retry', async () => {
    const run = await start([{ host: HOST, name: 'tool', unmanaged: true }]);
    await run.settle();
    expect([run.run.state, evictions(run), run.claimed]).toEqual(['apply-failed', 0, []]);
    expect(run.run.apply.reason).toBe(
      'stage 0: w-1 runs pods that need consent to be evicted: default/tool without a controller (delete them, or set ' +
        'spec.drain.evictUnmanagedPods); then retry (an edit of spec.drain plans the rest again by itself)',
    );
  });
});

describe('a pod that needs consent and appears on a closed host', () => {
  const DEBUG = { host: HOST, name: 'debugger', unmanaged: true, ignoresClosing: true };

  it.each([DRAIN, 'sw-patch-hosts'] as const)('in %s is named, and waited for', async (step) => {
    const run = await start([{ host: HOST, name: 'web-0' }]);
    await run.until(() => run.step === step && (step === DRAIN || run.world.jobs.size > 0));
    await run.elapse(100);
    const pod = run.world.addPod(DEBUG);
    await run.elapse(100_000);
    expect([run.run.state, run.step]).toEqual(['applying', step]);
    expect(run.reasons.join()).toBe(
      '1 pod left on w-1; w-1 runs pods that need consent to be evicted: default/debugger without a controller ' +
        '(delete them, or set spec.drain.evictUnmanagedPods)',
    );
    run.world.removePod(pod.uid);
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('with local data is waited for in the same way', async () => {
    const run = await start([]);
    await run.until(() => run.step === 'sw-patch-hosts');
    run.world.addPod({ host: HOST, name: 'cache-0', localData: true });
    await run.elapse(100_000);
    expect(run.reasons.join()).toContain('default/cache-0 with emptyDir data');
    expect(run.run.state).toBe('applying');
  });
});

describe('a pod that does not end', () => {
  it('is named with the time since when it leaves and the finalizers that hold it', async () => {
    const run = await start([
      { host: HOST, name: 'db-0', heldBy: ['example.com/hold', 'example.com/other'] },
    ]);
    await run.until(() => run.world.podsOn(HOST).some(({ leaving }) => leaving));
    const since = new Date(run.world.now).toISOString();
    await run.elapse(1_000);
    expect(run.reasons).toEqual([
      `1 pod left on w-1; pod default/db-0 has been leaving since ${since}, held by its finalizers ` +
        'example.com/hold, example.com/other: whoever set them must remove them',
    ]);
    await run.elapse(60_000);
    // It waits for another party now, so an abort does not wait for it.
    run.order = { mode: 'Abort' };
    await run.elapse(1_000);
    expect(run.run.state).toBe('aborted');
  });

  it.each([
    [true, 'and the kubelet has not ended it in time'],
    [false, 'and its node is not Ready, so no kubelet reports its end'],
  ])('without finalizers leads to its kubelet, with a host that is ready: %s', async (ready, why) => {
    const run = await start([{ host: HOST, name: 'web-0' }]);
    run.world.changeHost(HOST, { times: { leaveMilliseconds: 200_000 } });
    await run.until(() => run.world.podsOn(HOST).some(({ leaving }) => leaving));
    run.world.changeHost(HOST, { ready });
    await run.elapse(60_000);
    expect(run.reasons.join()).toContain(why);
  });
});

it('keeps the reason of a blocked eviction while it is retried', async () => {
  const run = await start([{ host: HOST, name: 'db-0', budget: 'db' }], { restarts: false });
  await run.until(() => run.reasons.join().includes('budget db'));
  const reasons = new Set<string>();
  for (let i = 0; i < 20; i += 1) {
    await run.next();
    reasons.add(run.reasons.join());
  }
  expect([...reasons]).toEqual(['1 pod left on w-1; budget db does not allow to evict default/db-0']);
});

it.each([
  { names: ['a', 'b', 'c', 'd'], more: '1 more waits' },
  { names: ['a', 'b', 'c', 'd', 'e'], more: '2 more wait' },
])('names the first three of many pods: $more', async ({ names, more }) => {
  const pods = names.map((name) => ({ host: HOST, name, budget: 'none' }));
  const run = await start(pods, { restarts: false });
  await run.until(() => run.step === DRAIN);
  await run.elapse(30_000);
  expect(run.reasons.join()).toMatch(
    new RegExp(`^${String(names.length)} pods left on w-1; (budget none does not allow .*?; ){3}${more}$`),
  );
});
