/** Hosts that are not staged when an upgrade comes to them, also with a restart between any two passes. */
import { describe, expect, it } from 'vitest';
import type { NewHost } from '../../../src/hostops/simulated/simulated-objects.ts';
import { OWNER, RELEASE, SimulatedRun, upgradeSpec, type RunOptions } from '../support/simulated-run.ts';
import {
  actions,
  CONTROL,
  each,
  ended,
  FACT,
  fleet,
  job,
  UNENDED,
  versions,
  WHOLE,
} from '../support/upgrade-runs.ts';

const FAILS = { 'stage-worker': { exitCode: 7 }, 'stage-controller': { exitCode: 7 } };
const failsToStage = (...names: string[]): NewHost[] =>
  fleet.map((host) => (names.includes(host.name) ? { ...host, jobs: FAILS } : host));
const small = { wholeBytes: 0, partBytes: 1, endedStages: 4 };

describe.each([{ restarts: false }, { restarts: true }, { restarts: false, partLimits: small }])(
  'an upgrade that may leave a host unstaged (%o)',
  (options) => {
    const upgrade = upgradeSpec({ ...UNENDED, maxParallelStagedHosts: 2, maxUnstagedHosts: 1 });

    it('leaves it out of the run, and gives it back before it locks another', async () => {
      const run = await SimulatedRun.start({ ...options, hosts: failsToStage('w-2'), upgrade });
      const freed: number[] = [];
      await run.until(() => {
        if (run.claimed.includes('w-1') && run.step === 'upgrade-hosts')
          freed.push(run.permits.has('w-2') ? 1 : 0);
        return run.run.state === 'applied';
      });
      expect(freed).not.toEqual([]);
      expect(freed).not.toContain(1);
      expect(versions(run).filter((version) => version === RELEASE)).toHaveLength(6);
      expect(run.world.hosts.get('w-2')?.nodeInfo[FACT]).toBe('v1.36.3');
      expect(actions(run).filter((each) => each.endsWith('w-2'))).toEqual(['stage-worker w-2']);
      expect(run.claimed).toEqual([]);
      if ('partLimits' in options) return;
      const left = run.run.apply.stages.flatMap((stage) => stage.left ?? []);
      expect(left.map(({ name, unstaged }) => ({ name, unstaged }))).toEqual([
        { name: 'w-2', unstaged: true },
        { name: 'w-2', unstaged: true },
      ]);
      const failure = /^w-2 was not staged: Job \S+ for stage-worker failed on w-2: container/;
      for (const { reason } of left) expect(reason).toMatch(failure);
    });

    it('fails when one more fails, in a later stage of the plan, too, and locks none', async () => {
      const run = await ended({ ...options, hosts: failsToStage('w-2', 'w-3'), upgrade });
      expect(run.run.state).toBe('apply-failed');
      expect(run.run.apply.reason).toContain('failed on w-3');
      expect(run.run.apply.reason).toContain('2 hosts failed to be staged, and maxUnstagedHosts allows 1');
      expect(versions(run)).not.toContain(RELEASE);
      expect(run.accepted.some((effect) => effect.kind === 'claim' && effect.claim.level === 'away')).toBe(
        false,
      );
      expect(run.claimed).toEqual([]);
      expect(run.run.hosts).toEqual([]);
    });

    it('fails when it is a controller: the rest of the upgrade builds on it', async () => {
      const run = await ended({ ...options, hosts: failsToStage('c-1'), upgrade });
      expect(run.run.state).toBe('apply-failed');
      expect(run.run.apply.reason).toMatch(
        /failed on c-1: .*maxUnstagedHosts does not count for controllers: the rest of the upgrade builds on them/,
      );
      expect(actions(run).filter((made) => !made.startsWith('stage-'))).toEqual([]);
      expect(run.claimed).toEqual([]);
    });

    it.each([
      ['w-2', ['w-1', 'w-3', 'w-4'], 'applied'],
      ['no host', ['w-1', 'w-2', 'w-3', 'w-4'], 'apply-failed'],
    ])('goes on to the hook start while %s is left to be upgraded', async (_left, names, state) => {
      const hosts = failsToStage(...names);
      const lenient = { ...UNENDED, controllerApplyType: 'ignore', maxUnstagedHosts: 7 };
      const run = await ended({ ...options, hosts, upgrade: upgradeSpec(lenient) });
      expect(run.run.state).toBe(state);
      expect(actions(run).includes('start c-1')).toBe(state === 'applied');
      if (state !== 'applied') expect(run.run.apply.reason).toContain('no host is left to be upgraded');
    });

    it('fails when two fail at once, and a retry stages both again', async () => {
      const run = await ended({ ...options, hosts: failsToStage('w-1', 'w-2'), upgrade });
      expect(run.run.state).toBe('apply-failed');
      run.world.changeHost('w-1', { jobs: {} });
      run.requests = [{ id: 'again', verb: 'retry' }];
      await run.settle();
      expect(run.run.state).toBe('applied');
      expect(actions(run).filter((each) => each === 'stage-worker w-2')).toHaveLength(2);
      expect(versions(run).filter((version) => version === RELEASE)).toHaveLength(6);
    });

    it('a retry stages also the host again that was left out before its stage failed', async () => {
      const slow = { 'stage-worker': { exitCode: 7, milliseconds: 600_000 } };
      const hosts = failsToStage('w-1').map((host) => (host.name === 'w-2' ? { ...host, jobs: slow } : host));
      const run = await ended({ ...options, hosts, upgrade });
      expect(run.run.state).toBe('apply-failed');
      expect(run.run.apply.reason).toContain('2 hosts failed to be staged, and maxUnstagedHosts allows 1');
      for (const name of ['w-1', 'w-2']) run.world.changeHost(name, { jobs: {} });
      run.requests = [{ id: 'again', verb: 'retry' }];
      await run.settle();
      expect(run.run.state).toBe('applied');
      expect(versions(run)).toEqual(fleet.map(() => RELEASE));
    });

    it.each([
      ['whose Job takes too long', { jobs: { 'stage-worker': { milliseconds: 3_700_000 } } }],
      ['whose Job does not start', { behaviour: 'stuck' as const }],
      ['whose Job leaves no fact', { behaviour: 'lie' as const }],
      ['that was left locked', { closedToNewWork: true, leftLocked: 'skipped', leftLockedBy: OWNER.uid }],
    ])('goes on without one %s', async (_which, fault) => {
      const run = await SimulatedRun.start({ ...options, hosts: fleet, upgrade, maxUnavailable: 3 });
      run.world.changeHost('w-2', fault);
      await run.settle();
      expect(run.run.state).toBe('applied');
      expect(versions(run).filter((version) => version === RELEASE)).toHaveLength(6);
      expect(run.claimed).toEqual([]);
    });

    it.each([
      [
        'cannot be given back',
        {},
        { kind: 'refused', reason: 'no right to write it' },
        /no right to write it|failed on w-2/,
      ],
      [
        'has a Job that never ends',
        { jobs: { 'stage-worker': { milliseconds: 1e9 } } },
        undefined,
        /w-2 was not staged: after 3600 s: Job \S+ runs on w-2; Job \S+ has not ended there yet/,
      ],
    ] as const)('fails when the host %s', async (_why, fault, outcome, reason) => {
      const hosts = failsToStage('w-2').map((host) => (host.name === 'w-2' ? { ...host, ...fault } : host));
      const refusal: RunOptions['refusal'] = ({ kind, host }) =>
        kind === 'release' && host === 'w-2' ? outcome : undefined;
      const run = await ended({ ...options, hosts, upgrade, refusal });
      expect(run.run.state).toMatch(/^apply-(failed|timeout)$/);
      expect(run.run.apply.reason).toMatch(reason);
      expect(versions(run)).not.toContain(RELEASE);
    });
  },
);

it.each([undefined, small])(
  'a host that leaves while it is staged and comes back is not upgraded in this run (parts: %o)',
  async (partLimits) => {
    const run = await SimulatedRun.start({
      ...{ hosts: fleet, upgrade: upgradeSpec(UNENDED) },
      ...(partLimits ? { partLimits } : {}),
    });
    await run.until(() => actions(run).includes('stage-worker w-2'));
    const { labels = {}, nodeInfo = {} } = run.world.hosts.get('w-2') ?? {};
    run.world.removeHost('w-2');
    await run.until(() => run.step === 'start-upgrade');
    run.world.addHost({ name: 'w-2', labels, nodeInfo: { ...nodeInfo, [FACT]: 'v1.36.3' } });
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(actions(run).filter((each) => each.endsWith('w-2'))).toEqual(['stage-worker w-2']);
    expect(run.world.hosts.get('w-2')?.nodeInfo[FACT]).toBe('v1.36.3');
  },
);

it('a host that is not staged any more when its turn comes is not upgraded', async () => {
  const run = await SimulatedRun.start({ hosts: fleet, upgrade: upgradeSpec(UNENDED) });
  await run.until(() => run.step === 'start-upgrade');
  run.world.changeHost('w-2', { labels: {}, nodeInfo: { [FACT]: 'v1.36.3' } });
  await run.settle();
  expect(run.run.state).toBe('applied');
  expect(actions(run).filter((each) => each.endsWith('w-2'))).toEqual(['stage-worker w-2']);
});

it.each([undefined, small])(
  'a machine that is replaced under its name after a Job has staged it is not upgraded (parts: %o)',
  async (partLimits) => {
    const byJob = { ...each, stage: { job } };
    const upgrade = upgradeSpec({ ...UNENDED, hosts: { controller: byJob, worker: byJob } });
    const run = await SimulatedRun.start({ hosts: fleet, upgrade, ...(partLimits ? { partLimits } : {}) });
    await run.until(() => run.step === 'start-upgrade');
    const { nodeInfo = {} } = run.world.hosts.get('w-2') ?? {};
    run.world.removeHost('w-2');
    run.world.addHost({ name: 'w-2', nodeInfo: { ...nodeInfo, [FACT]: 'v1.36.3' } });
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(actions(run).filter((name) => name.endsWith('w-2'))).toEqual(['stage-worker w-2']);
    expect(versions(run).filter((version) => version === RELEASE)).toHaveLength(6);
  },
);

describe.each([undefined, small])(
  'the machine of a host is told from another by times of the platform alone (parts: %o)',
  (partLimits) => {
    /** A run without a fact for staging, just before the upgrade; hosts joined by a clock that is wrong by so much. */
    async function stagedRun(wrongBy: number): Promise<SimulatedRun> {
      const byJob = { ...each, stage: { job } };
      const upgrade = upgradeSpec({ ...UNENDED, hosts: { controller: byJob, worker: byJob } });
      const run = await SimulatedRun.start({ hosts: fleet, upgrade, ...(partLimits ? { partLimits } : {}) });
      for (const { name } of fleet) run.world.changeHost(name, { joinedAt: run.world.now + wrongBy });
      await run.until(() => run.step === 'start-upgrade');
      return run;
    }

    it('each is upgraded although our clock was far behind when it was staged', async () => {
      const run = await stagedRun(3_600_000);
      await run.settle();
      expect(run.run.state).toBe('applied');
      expect(versions(run)).toEqual(fleet.map(() => RELEASE));
    });

    it('one that took the name of a staged one is not, although our clock was far ahead', async () => {
      const run = await stagedRun(-3_600_000);
      const { nodeInfo = {} } = run.world.hosts.get('w-2') ?? {};
      run.world.removeHost('w-2');
      run.world.addHost({ name: 'w-2', nodeInfo: { ...nodeInfo, [FACT]: 'v1.36.3' } });
      run.world.changeHost('w-2', { joinedAt: run.world.now - 3_600_000 });
      await run.settle();
      expect(run.run.state).toBe('applied');
      expect(actions(run).filter((name) => name.endsWith('w-2'))).toEqual(['stage-worker w-2']);
    });
  },
);

it('a machine that is replaced before it is staged is upgraded', async () => {
  const byJob = { ...each, stage: { job } };
  const upgrade = upgradeSpec({ ...UNENDED, hosts: { controller: byJob, worker: byJob } });
  const run = await SimulatedRun.start({ hosts: fleet, upgrade });
  await run.until(() => actions(run).includes('stage-controller c-1'));
  run.world.advanceTo(run.world.now + 1);
  const { nodeInfo = {} } = run.world.hosts.get('w-2') ?? {};
  run.world.removeHost('w-2');
  run.world.addHost({ name: 'w-2', nodeInfo });
  await run.settle();
  expect(run.run.state).toBe('applied');
  expect(versions(run)).toEqual(fleet.map(() => RELEASE));
});

describe.each([{}, { restarts: true }, { partLimits: small }])(
  'an upgrade that left a host below the release (%o)',
  (options) => {
    async function waiting(): Promise<SimulatedRun> {
      const upgrade = upgradeSpec({ ...WHOLE, maxUnstagedHosts: 1 });
      const run = await SimulatedRun.start({ ...options, hosts: failsToStage('w-2'), upgrade });
      await run.settle();
      return run;
    }
    const hasEnded = (run: SimulatedRun): boolean => actions(run).some((made) => made.startsWith('activate'));

    it('waits for a person before it activates, and refuses to apply all until then', async () => {
      const run = await waiting();
      expect([run.run.state, run.obstacle]).toEqual(['applying', 'HostsLackRelease']);
      expect(run.reasons.join()).toContain('w-2 lacks v1.36.4 and was left out: bring it to the release, or');
      expect(versions(run).filter((version) => version === RELEASE)).toHaveLength(6);
      expect(hasEnded(run)).toBe(false);
      expect([...run.permits]).toEqual([]);
      expect(run.run.apply.stopAtStage).toBe(run.run.apply.currentStage);
      const before = run.run;
      await run.pass();
      expect(run.run).toEqual(before);
      run.requests = [{ id: 'all', verb: 'apply-all' }];
      await run.settle();
      expect(run.answers).toMatchObject([{ answer: 'refused', message: run.reasons.join() }]);
      expect(hasEnded(run)).toBe(false);
    });

    it.each<[string, (run: SimulatedRun) => void]>([
      [
        'a request skips it',
        (run) => {
          run.requests = [{ id: 'skip', verb: 'skip-host', host: 'w-2' }];
        },
      ],
      [
        'somebody upgraded it',
        ({ world }) => {
          world.changeHost('w-2', { nodeInfo: { [FACT]: RELEASE } });
        },
      ],
      [
        'it has left',
        ({ world }) => {
          world.removeHost('w-2');
        },
      ],
    ])('ends once %s', async (_what, decide) => {
      const run = await waiting();
      decide(run);
      await run.settle();
      expect(run.run.state).toBe('applied');
      expect(hasEnded(run)).toBe(true);
    });

    it('ends with an abort, and activates nothing', async () => {
      const run = await waiting();
      run.order = { mode: 'Abort' };
      await run.settle();
      expect(run.run.state).toBe('aborted');
      expect(hasEnded(run)).toBe(false);
    });
  },
);

it.each([undefined, small])(
  'a machine that took the name of a host while that was upgraded holds up the end (parts: %o)',
  async (partLimits) => {
    const upgrade = upgradeSpec(WHOLE);
    const run = await SimulatedRun.start({ hosts: fleet, upgrade, ...(partLimits ? { partLimits } : {}) });
    await run.until(() => run.claimed.includes('w-2'));
    run.world.removeHost('w-2');
    await run.until(() => !run.run.hosts.some(({ name }) => name === 'w-2'));
    run.world.addHost({ name: 'w-2', nodeInfo: { [FACT]: 'v1.36.3' } });
    await run.settle();
    expect([run.run.state, run.obstacle]).toEqual(['applying', 'HostsLackRelease']);
  },
);

it.each([undefined, small])(
  'no worker passes a controller that is not staged any more (parts: %o)',
  async (partLimits) => {
    const run = await SimulatedRun.start({
      ...{ hosts: fleet, upgrade: upgradeSpec(UNENDED) },
      ...(partLimits ? { partLimits } : {}),
    });
    await run.until(() => run.step === 'start-upgrade');
    run.world.changeHost('c-2', { labels: CONTROL, nodeInfo: { [FACT]: 'v1.36.3' } });
    await run.settle();
    expect([run.run.state, run.obstacle]).toEqual(['applying', 'HostsLackRelease']);
    expect(run.reasons.join()).toContain('c-2 lacks v1.36.4 and was left out');
    expect(actions(run).filter((made) => made.startsWith('worker'))).toEqual([]);
    run.requests = [{ id: 'skip', verb: 'skip-host', host: 'c-2' }];
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(versions(run).filter((version) => version === RELEASE)).toHaveLength(6);
  },
);
