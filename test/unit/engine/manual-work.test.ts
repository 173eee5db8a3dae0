/** Work that a person does on a host: who ends it, when, and what the run keeps of it. */
import { describe, expect, it } from 'vitest';
import { openAndFree, workers } from '../support/fleets.ts';
import { ask } from '../support/requests.ts';
import { job, kernelPatch, SimulatedRun, upgradeSpec, type RunOptions } from '../support/simulated-run.ts';

const FAN = 'fan';
const HOUR = 3_600_000;
const manual = { timeoutSeconds: 3600, message: 'replace the fan' };
const fanPatch = { id: FAN, rebootRequired: true, action: { manual } };
const away = { patches: [fanPatch], reboot: { job } };
const inPlace = { patches: [{ id: FAN, action: { manual } }] };

describe.each([
  { how: 'in one process', restarts: false },
  { how: 'in an operator that restarts between any two passes', restarts: true },
])('manual work $how', ({ restarts }) => {
  const start = (options: RunOptions): Promise<SimulatedRun> => SimulatedRun.start({ ...options, restarts });
  const waiting = async (options: Partial<RunOptions> = {}): Promise<SimulatedRun> => {
    const run = await start({ hosts: workers(1), spec: away, ...options });
    await run.until(() => run.run.hosts.some(({ manual: asked = [] }) => asked.length > 0));
    await run.elapse(0);
    return run;
  };

  it('waits on an empty host that is out of service, and names what is to be done, until when, and what ends it', async () => {
    const run = await waiting();
    const [host] = run.run.hosts;
    const [asked] = host?.manual ?? [];
    expect(run.obstacle).toBe('WaitingForPerson');
    expect(run.claimed).toEqual(['w-1']);
    expect(Date.parse(asked?.deadline ?? '') - Date.parse(asked?.since ?? '')).toBe(HOUR);
    expect(host?.reason).toBe(
      `w-1 waits until ${asked?.deadline ?? ''} for a person to do fan (replace the fan), then it fails; when it is done: ` +
        'careen done w-1 kernel -n careen-hosts, or kubectl annotate --overwrite -n careen-hosts patchstrategy/kernel ' +
        `careen.dev/request='{"id":"done-w-1-${Date.parse(asked?.since ?? '').toString(36)}","verb":"done","host":"w-1","action":"fan"}'`,
    );
    await run.elapse(HOUR - 60_000);
    expect(run.claimed).toEqual(['w-1']);
  });

  it('goes on with the reboot and the verification once a request says that it is done', async () => {
    const run = await waiting();
    expect(await ask(run, { verb: 'done', host: 'w-1' })).toBe(
      'accepted: the work on w-1 is done: the run goes on with it',
    );
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect([...run.world.jobs.values()].map(({ action }) => action)).toEqual(['reboot']);
    openAndFree(run);
  });

  it('takes a request for a piece of work that does not wait as none for another', async () => {
    const run = await waiting({ hosts: workers(2), maxUnavailable: 1 });
    expect(await ask(run, { verb: 'done', host: 'w-2' })).toBe('refused: this run holds no host w-2');
    expect(await ask(run, { verb: 'done', host: 'w-1', action: 'pump' })).toBe(
      'refused: w-1 does not wait for pump, but for fan',
    );
    await ask(run, { verb: 'done', host: 'w-1', action: FAN });
    expect(await ask(run, { verb: 'done', host: 'w-1' })).toBe(
      'refused: w-1 does not wait for a person: nothing is needed',
    );
  });

  it('waits as long on a host whose Jobs take their whole time before', async () => {
    const patches = [kernelPatch, fanPatch];
    const timing = { patchTimeoutSeconds: 60 };
    const run = await waiting({ spec: { patches, reboot: { job }, timing } });
    const [asked] = run.run.hosts[0]?.manual ?? [];
    expect(Date.parse(asked?.deadline ?? '') - Date.parse(asked?.since ?? '')).toBe(HOUR);
    await run.elapse(HOUR - 1000);
    await ask(run, { verb: 'done', host: 'w-1' });
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('keeps the host locked when nobody says anything in time; who resumes says that it is done', async () => {
    const run = await waiting();
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    expect(run.run.apply.reason).toMatch(/nobody said by .* that fan is done on w-1/);
    expect(run.claimed).toEqual(['w-1']);
    expect(await ask(run, { verb: 'done', host: 'w-1' })).toBe(
      'refused: fan on w-1 is not waited for any more: place the request resume if it is done, or retry to ask for it again',
    );
    await ask(run, { verb: 'resume' });
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });

  it('asks again for a retry, whatever the host shows', async () => {
    const { current } = kernelPatch;
    const spec = { patches: [{ ...fanPatch, current }], reboot: { job } };
    const run = await waiting({ spec });
    await ask(run, { verb: 'done', host: 'w-1', failed: true });
    await run.settle();
    expect(run.run.apply.reason).toMatch(/fan failed on w-1: request q-\d+ says so/);
    run.world.changeHost('w-1', { nodeInfo: { 'nodeInfo.kernelVersion': '6.12.48' } });
    await ask(run, { verb: 'retry' });
    await run.until(() => run.obstacle === 'WaitingForPerson');
    await ask(run, { verb: 'done', host: 'w-1' });
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('goes on without a word where the action says so', async () => {
    const patches = [
      { id: FAN, rebootRequired: true, action: { manual: { ...manual, onTimeout: 'proceed' } } },
    ];
    const run = await start({ hosts: workers(1), spec: { patches, reboot: { job } } });
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });

  it('fails a host that does not show what a person said', async () => {
    const { current } = kernelPatch;
    const run = await waiting({ spec: { patches: [{ ...fanPatch, current }], reboot: { job } } });
    await ask(run, { verb: 'done', host: 'w-1' });
    await run.settle();
    expect(run.run.state).toBe('apply-timeout');
    expect(run.run.apply.reason).toContain('w-1: lacks fan');
  });

  it('keeps serving hosts in place, each until its own request', async () => {
    const run = await waiting({ hosts: workers(2), spec: { ...inPlace, maxParallelWorkerHosts: 2 } });
    expect(run.run.hosts.map(({ level, manual: asked }) => [level, asked?.length])).toEqual([
      ['touched', 1],
      ['touched', 1],
    ]);
    await ask(run, { verb: 'done', host: 'w-1' });
    await run.elapse(60_000);
    expect(run.run.state).toBe('applying');
    await ask(run, { verb: 'done', host: 'w-2' });
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('is awaited by an abort, which then releases the host', async () => {
    const run = await waiting();
    await ask(run, { verb: 'abort' });
    await run.elapse(60_000);
    expect(run.run.state).toBe('aborting');
    expect(run.claimed).toEqual(['w-1']);
    expect(run.reasons.join()).toContain('careen done w-1 kernel -n careen-hosts');
    expect(await ask(run, { verb: 'done', host: 'w-1' })).toMatch(/^accepted/);
    await run.settle();
    expect(run.run.state).toBe('aborted');
    openAndFree(run);
  });

  it('has as much more time as the run was suspended', async () => {
    const run = await waiting();
    const before = Date.parse(run.run.hosts[0]?.manual?.[0]?.deadline ?? '');
    run.order = { mode: 'Suspend' };
    await run.elapse(2 * HOUR);
    run.order = { mode: 'Run' };
    await run.elapse(0);
    const after = Date.parse(run.run.hosts[0]?.manual?.[0]?.deadline ?? '');
    expect(after - before).toBeGreaterThanOrEqual(2 * HOUR);
    expect(run.run.state).toBe('applying');
    await ask(run, { verb: 'done', host: 'w-1' });
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('hears what was said while no operator ran, also after the deadline', async () => {
    const run = await waiting();
    run.advanceTime(run.world.now + 2 * HOUR);
    await ask(run, { verb: 'done', host: 'w-1' });
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('is a hook of an upgrade, too', async () => {
    const upgrade = upgradeSpec({ start: { manual } });
    const run = await waiting({ upgrade });
    expect(run.run.hosts[0]?.manual?.[0]?.action).toBe('start');
    await ask(run, { verb: 'done', host: 'w-1' });
    await run.settle();
    expect(run.run.state).toBe('applied');
  });
});

it('leaves a host that a request skips locked, with a note: somebody may have changed it', async () => {
  const run = await SimulatedRun.start({ hosts: workers(2), spec: { ...away, workerApplyType: 'serial' } });
  await run.until(() => run.obstacle === 'WaitingForPerson');
  await ask(run, { verb: 'skip-host', host: 'w-1' });
  await run.until(() =>
    run.run.hosts.some(({ name, manual: asked }) => name === 'w-2' && asked !== undefined),
  );
  expect(run.world.hosts.get('w-1')).toMatchObject({ closedToNewWork: true });
  expect(run.claimed).toEqual(['w-2']);
});
