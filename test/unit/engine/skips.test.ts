import { describe, expect, it } from 'vitest';
import { AWAY_STEPS, openAndFree, workers } from '../support/fleets.ts';
import { messageAtEnd } from '../support/message-at-end.ts';
import { ask, held } from '../support/requests.ts';
import { SimulatedRun, type RunOptions } from '../support/simulated-run.ts';

const KERNEL_VERSION = 'nodeInfo.kernelVersion';
const SKIP = { verb: 'skip-host', host: 'w-2' } as const;

function leftIn({ run }: SimulatedRun): string[] {
  return run.apply.stages.flatMap(({ left = [] }) => left.map(({ name }) => name));
}

function patched({ world }: SimulatedRun): string[] {
  const hosts = [...world.hosts.values()];
  return hosts.filter(({ nodeInfo }) => nodeInfo[KERNEL_VERSION] === '6.12.48').map(({ name }) => name);
}

describe.each([
  { how: 'in one process', restarts: false },
  { how: 'in an operator that restarts between any two passes', restarts: true },
])('a request skip-host $how', ({ restarts }) => {
  const start = (options: RunOptions): Promise<SimulatedRun> => SimulatedRun.start({ ...options, restarts });

  it('leaves a host out that was not reached: it is never locked, and the plan stays as it is', async () => {
    const run = await start({ hosts: workers(4) });
    run.order = { mode: 'Hold' };
    await run.settle();
    const { digest } = run.plan;
    expect(await ask(run, SKIP)).toBe('accepted: w-2 is left out of the rest of this run');
    expect(leftIn(run), 'shown before its stage begins').toEqual(['w-2']);
    expect(await ask(run, SKIP)).toBe('refused: w-2 is skipped already: nothing more is needed');
    run.order = { mode: 'Run' };
    await run.settle();
    expect([run.run.state, run.plan.digest]).toEqual(['applied', digest]);
    expect(run.accepted.filter(({ host }) => host === 'w-2')).toEqual([]);
    expect(patched(run)).toEqual(['w-1', 'w-3', 'w-4']);
    expect(messageAtEnd(run)).toMatch(
      /^all hosts of the plan that are left are patched: w-2 was skipped at the request q-\d+$/,
    );
    openAndFree(run);
  });

  it.each(AWAY_STEPS)('lets the stage go on without a host that dies in %s', async (step) => {
    const run = await start({
      hosts: workers(4),
      spec: { maxParallelWorkerHosts: 2 },
      maxUnavailable: 3,
    });
    for (const { name } of workers(4)) run.world.addPod({ host: name, name: `on-${name}` });
    run.alarmsKnown = step !== 'query-alarms';
    await run.until(() => run.step === step);
    run.world.changeHost('w-2', { ready: false });
    run.alarmsKnown = true;
    await run.pass();
    expect(await ask(run, SKIP)).toMatch(/^accepted/);
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(leftIn(run)).toEqual(['w-2']);
    expect(patched(run)).toEqual(expect.arrayContaining(['w-1', 'w-3', 'w-4']));
    expect(run.permits.size, 'no permit is kept').toBe(0);
    expect(run.claimed).toEqual([]);
    const { closedToNewWork, leftLocked } = run.world.hosts.get('w-2') ?? {};
    expect(closedToNewWork, 'cordoned, with a note, or given back').toBe(leftLocked !== undefined);
  });

  it('leaves a host locked with a note when work has begun there, and gives it back when none has', async () => {
    for (const [step, closed] of [
      ['migrate-instances-from-host', false],
      ['verify', true],
    ] as const) {
      const run = await start({ hosts: workers(2) });
      run.world.addPod({ host: 'w-2', name: 'web' });
      await run.until(() => run.step === step && run.run.hosts.length > 0);
      run.world.changeHost('w-2', { ready: false });
      await ask(run, SKIP);
      await run.settle();
      expect([step, run.run.state]).toEqual([step, 'applied']);
      const { closedToNewWork, leftLocked } = run.world.hosts.get('w-2') ?? {};
      expect([step, closedToNewWork, leftLocked !== undefined]).toEqual([step, closed, closed]);
      if (closed) expect(leftLocked).toMatch(/^w-2 was skipped at the request q-\d+/);
    }
  });

  it.each([
    { behaviour: 'lie', note: 'w-2 was skipped at the request, in verify' },
    { behaviour: 7, note: /^w-2 was skipped at the request: Job .* exited with code 7$/ },
  ] as const)(
    'writes the note in the same words after it was refused for now',
    async ({ behaviour, note }) => {
      let refusals = 2;
      const run = await start({
        hosts: [
          { name: 'w-1', behaviour: 'lie' },
          { name: 'w-2', behaviour },
        ],
        refusal: ({ kind }) =>
          kind === 'leave-locked' && refusals-- > 0 ? { kind: 'blocked', reason: 'not now' } : undefined,
      });
      await run.until(() => run.step === 'verify' || run.run.hosts.some(({ result }) => result === 'failed'));
      await ask(run, SKIP);
      for (let tries = 0; run.claimed.includes('w-2') && tries < 5; tries++) await run.elapse(30_000);
      const { leftLocked = '' } = run.world.hosts.get('w-2') ?? {};
      expect(leftLocked.replace(/ q-\d+/, '')).toEqual(
        typeof note === 'string' ? note : expect.stringMatching(note),
      );
      expect(refusals).toBeLessThan(0);
    },
  );

  it('keeps the permit of a host while its Job may run, and says what ends it', async () => {
    const run = await start({ hosts: workers(2), times: { jobMilliseconds: 300_000 } });
    const job = () => [...run.world.jobs.values()].find(({ host }) => host === 'w-2');
    await run.until(() => job()?.state === 'running');
    const name = job()?.name ?? '';
    expect(await ask(run, SKIP)).toBe(
      'accepted: w-2 is left out of the rest of this run; ' +
        `Job ${name} must end there first: on a dead host delete it`,
    );
    await run.elapse(30_000);
    expect(run.reasons.join()).toContain(`Job ${name} has not ended there yet: on a dead host delete it`);
    expect(run.permits.has('w-2')).toBe(true);
    const made = job();
    if (made) run.world.removeJob(made);
    await run.settle();
    expect([run.run.state, leftIn(run)]).toEqual(['applied', ['w-2']]);
    expect(run.world.hosts.get('w-2')?.leftLocked).toContain('was skipped');
    expect(run.permits.size).toBe(0);
  });

  it('withdraws a Job that has not started, and gives the host back', async () => {
    const run = await start({ hosts: [{ name: 'w-1' }, { name: 'w-2', behaviour: 'stuck' }] });
    const jobs = () => [...run.world.jobs.values()].filter(({ host }) => host === 'w-2');
    await run.until(() => jobs().some(({ state }) => state === 'running'));
    await ask(run, SKIP);
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(jobs().filter(({ state }) => state === 'running')).toEqual([]);
    openAndFree(run);
  });

  it('lets a stage go on whose host failed while others were still at work', async () => {
    const run = await start({
      hosts: [{ name: 'w-1' }, { name: 'w-2', behaviour: 7 }],
      times: { jobMilliseconds: 60_000 },
    });
    const jobs = () => [...run.world.jobs.values()];
    await run.until(() => jobs().filter(({ state }) => state === 'running').length === 2);
    const { key = '' } = jobs().find(({ host }) => host === 'w-2') ?? {};
    run.world.changeJob(key, { state: 'failed', failure: 'container apply exited with code 7' });
    await run.until(() => run.run.hosts.some(({ result }) => result === 'failed'));
    await ask(run, SKIP);
    await run.settle();
    expect([run.run.state, leftIn(run)]).toEqual(['applied', ['w-2']]);
  });

  it('in a failed run leaves the failed host locked with a note, and retry goes on with the others', async () => {
    const run = await start({ hosts: [{ name: 'w-1' }, { name: 'w-2', behaviour: 7 }, { name: 'w-3' }] });
    await run.until(() => run.run.state === 'apply-failed');
    expect(await ask(run, SKIP)).toBe(
      'accepted: w-2 is left out of the rest of this run; ' +
        'then place the request retry to go on with the others',
    );
    await run.settle();
    expect([run.run.state, run.run.hosts, run.permits.size]).toEqual(['apply-failed', [], 0]);
    expect(run.world.hosts.get('w-2')).toMatchObject({ closedToNewWork: true, claim: undefined });
    expect(run.world.hosts.get('w-2')?.leftLocked).toMatch(/was skipped .*exited with code 7/);
    expect(await ask(run, { verb: 'retry' })).toMatch(/^accepted/);
    await run.settle();
    expect([run.run.state, leftIn(run), patched(run)]).toEqual(['applied', ['w-2'], ['w-1', 'w-3']]);
  });

  it('of the only failed host may come together with retry, in any order of passes', async () => {
    const run = await start({ hosts: [{ name: 'w-1' }, { name: 'w-2', behaviour: 7 }] });
    await run.until(() => run.run.state === 'apply-failed');
    run.requests = [
      { id: 's', ...SKIP },
      { id: 'r', verb: 'retry' },
    ];
    await run.settle();
    expect([run.run.state, leftIn(run), patched(run)]).toEqual(['applied', ['w-2'], ['w-1']]);
    expect(run.permits.size).toBe(0);
  });

  it('lets a run go on that a host holds up which is not in the plan', async () => {
    const current = {
      name: 'x',
      nodeInfo: { [KERNEL_VERSION]: '6.12.48', 'nodeInfo.kubeletVersion': 'v1.36.4' },
    };
    const run = await start({ hosts: [...workers(2), current], maxUnavailable: 3 });
    run.world.changeHost('x', { ready: false });
    await run.elapse(20_000);
    expect(run.reasons.join()).toMatch(/^active alarms present \(x: .*place the request skip-host$/);
    await ask(run, { verb: 'skip-host', host: 'x' });
    await run.settle();
    expect([run.run.state, leftIn(run)]).toEqual(['applied', []]);
    expect(run.run.skipped.map(({ name }) => name)).toEqual(['x']);
    run.world.changeHost('x', { ready: true });
    openAndFree(run);
  });

  it('of every host ends the run, which says that no host is left', async () => {
    const run = await start({ hosts: workers(1) });
    run.alarmsKnown = false;
    await run.until(() => run.step === 'query-alarms');
    await ask(run, { verb: 'skip-host', host: 'w-1' });
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(messageAtEnd(run)).toMatch(/^no host of the plan is left: w-1 was skipped/);
    openAndFree(run);
  });
});

describe('a request skip-host', () => {
  it('is refused for a host that there is not, during an abort, and after the end', async () => {
    const run = await held({ hosts: workers(2) });
    expect(await ask(run, { verb: 'skip-host', host: 'w-9' })).toBe(
      'refused: HostPool default has no host w-9: correct its name',
    );
    run.order = { mode: 'Run' };
    await run.settle();
    expect(await ask(run, SKIP)).toMatch(/^refused: the run has ended/);
    run.order = { mode: 'Abort' };
    expect(await ask(run, SKIP)).toMatch(/^refused: execution.mode is Abort/);
  });

  it('waits while the strategy is suspended', async () => {
    const run = await SimulatedRun.start({ hosts: workers(2) });
    await run.until(() => run.claimed.length > 0);
    run.order = { mode: 'Suspend' };
    expect(await ask(run, SKIP)).toBe('no answer');
    run.order = { mode: 'Run' };
    await run.settle();
    expect([run.run.state, leftIn(run)]).toEqual(['applied', ['w-2']]);
  });

  it('leaves the release of the host to an abort that comes before its outage has ended', async () => {
    const run = await SimulatedRun.start({ hosts: workers(2), times: { jobMilliseconds: 60_000 } });
    await run.until(() => [...run.world.jobs.values()].some(({ state }) => state === 'running'));
    await ask(run, SKIP);
    run.order = { mode: 'Abort' };
    await run.settle();
    expect(run.run.state).toBe('aborted');
    openAndFree(run);
  });

  it('is accepted while the pool is paused, and begins nothing', async () => {
    const run = await SimulatedRun.start({ hosts: [{ name: 'w-1' }, { name: 'w-2', behaviour: 7 }] });
    await run.until(() => run.run.state === 'apply-failed');
    run.order = { mode: 'Hold', heldBack: { reason: 'Paused', message: 'HostPool default is paused' } };
    expect(await ask(run, SKIP)).toMatch(/^accepted/);
    await run.settle();
    expect([run.run.state, run.permits.size]).toEqual(['apply-failed', 0]);
  });
});
