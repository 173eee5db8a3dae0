/** Hosts that requests leave out of a run: while the plan is built, over rebuilds, and after the end. */
import { describe, expect, it } from 'vitest';
import { SmallCluster } from '../support/small-cluster.ts';

const RUN = { mode: 'Run' };
const HOLD = { mode: 'Hold' };
const SKIP = { id: 'q-1', verb: 'skip-host', host: 'w-2' };

function answers({ status }: SmallCluster): string[] {
  return (status.requests ?? []).map(({ id, answer, message }) => `${id} ${answer}: ${message}`);
}

function skipped({ status }: SmallCluster): string[] {
  return (status.skipped ?? []).map(({ name }) => name);
}

function leftIn({ status }: SmallCluster): string[] {
  return (status.applyPhase?.stages ?? []).flatMap(({ left = [] }) => left.map(({ name }) => name));
}

/** A strategy that no plan can be made for: w-2 is dead. `after` seconds, the build waits or has failed. */
async function blocked(execution: object, state: 'building' | 'build-failed'): Promise<SmallCluster> {
  const cluster = new SmallCluster(['w-1', 'w-2', 'w-3'], 2);
  cluster.world.changeHost('w-2', { ready: false });
  cluster.placeStrategy(execution);
  await cluster.until(state, () => {
    const { message = '' } = cluster.status;
    return cluster.status.state === state && message.startsWith('active alarms present (w-2: is not Ready)');
  });
  return cluster;
}

describe('a request skip-host while a dead host prevents the plan', () => {
  it.each(['building', 'build-failed'] as const)(
    'makes the plan at once (%s), and it ends applied',
    async (state) => {
      const cluster = await blocked(RUN, state);
      const { now } = cluster.world;
      cluster.request(SKIP);
      await cluster.until('a plan', () => cluster.status.applyPhase !== undefined);
      expect(cluster.world.now - now).toBeLessThan(5_000);
      await cluster.until('the end', () => cluster.status.state === 'applied');
      expect(answers(cluster)).toEqual(['q-1 accepted: w-2 is left out of this run']);
      expect([skipped(cluster), leftIn(cluster)]).toEqual([['w-2'], ['w-2']]);
      expect(cluster.status.message).toMatch(
        /^all hosts of the plan that are left are patched: w-2 was skipped at the request q-1; 1 host lacks/,
      );
      expect(cluster.events.filter((event) => event.startsWith('HostSkipped'))).toEqual([
        'HostSkipped: w-2 is left out of the run at the request q-1: the others go on',
      ]);
    },
  );

  it('is refused for a host that the pool has not', async () => {
    const cluster = await blocked(RUN, 'build-failed');
    cluster.request({ ...SKIP, host: 'w-9' });
    await cluster.until('an answer', () => answers(cluster).length > 0);
    expect(answers(cluster)).toEqual(['q-1 refused: HostPool default has no host w-9: correct its name']);
    expect(skipped(cluster)).toEqual([]);
  });

  it('shows no finding about that host, in a plan that waits', async () => {
    const cluster = await blocked(HOLD, 'build-failed');
    cluster.request(SKIP);
    await cluster.until('a plan', () => cluster.status.state === 'ready-to-apply');
    expect((cluster.status.findings ?? []).filter(({ reason }) => reason === 'HostUnwell')).toEqual([]);
  });

  it('keeps nothing up in an operator that dies after any write', async () => {
    const cluster = await blocked(RUN, 'build-failed');
    cluster.request(SKIP);
    await cluster.until('the end', () => {
      cluster.restartOperator();
      return cluster.status.state === 'applied';
    });
    expect([skipped(cluster), answers(cluster).length]).toEqual([['w-2'], 1]);
  });
});

describe('a host that was skipped', () => {
  async function waiting(): Promise<SmallCluster> {
    const cluster = new SmallCluster(['w-1', 'w-2', 'w-3', 'w-4'], 2);
    cluster.placeStrategy(HOLD);
    await cluster.until('a plan', () => cluster.status.state === 'ready-to-apply');
    cluster.request(SKIP);
    await cluster.until('an answer', () => answers(cluster).length > 0);
    return cluster;
  }

  it('stays out of the rest of the run when that is planned again', async () => {
    const cluster = await waiting();
    const { planDigest = '' } = cluster.status.run ?? {};
    cluster.editPool({ maxUnavailable: 1 });
    cluster.restartOperator();
    await cluster.until('another plan', () => cluster.status.run?.planDigest !== planDigest);
    await cluster.pass();
    expect([skipped(cluster), leftIn(cluster)]).toEqual([['w-2'], ['w-2']]);
    cluster.editSpec({ execution: RUN });
    await cluster.until('the end', () => cluster.status.state === 'applied');
    expect(cluster.world.hosts.get('w-2')?.nodeInfo['nodeInfo.kernelVersion']).toBe('6.12.40');
  });

  it('does not change the plan, so a plan that was reviewed still runs', async () => {
    const cluster = await waiting();
    const { planDigest } = cluster.status.run ?? {};
    cluster.editSpec({ execution: { ...RUN, plan: planDigest } });
    await cluster.until('the end', () => cluster.status.state === 'applied');
    expect(leftIn(cluster)).toEqual(['w-2']);
    const about = cluster.events.filter((event) => /^Host(Skipped|Left)/.test(event));
    expect(about, 'reported once').toEqual([expect.stringMatching(/^HostSkipped: w-2 is left out/)]);
  });

  it('is in the plan again after an edit of the spec', async () => {
    const cluster = await waiting();
    const { id } = cluster.status.run ?? {};
    cluster.editSpec({ maxParallelWorkerHosts: 1 });
    await cluster.until(
      'another plan',
      () => cluster.status.run !== undefined && cluster.status.run.id !== id,
    );
    expect([skipped(cluster), leftIn(cluster)]).toEqual([[], []]);
  });

  it('is in the next plan when apply-all asks for what lacks a patch, and not before', async () => {
    const cluster = await waiting();
    cluster.editSpec({ execution: RUN });
    await cluster.until('the end', () => cluster.status.state === 'applied');
    for (let more = 0; more < 5; more++) await cluster.pass();
    expect([cluster.status.state, skipped(cluster)]).toEqual(['applied', ['w-2']]);
    cluster.request({ id: 'q-2', verb: 'apply-all' });
    await cluster.until(
      'all patched',
      () => cluster.status.run?.id === 'r-2' && cluster.status.state === 'applied',
    );
    expect(skipped(cluster)).toEqual([]);
    expect(cluster.world.hosts.get('w-2')?.nodeInfo['nodeInfo.kernelVersion']).toBe('6.12.48');
  });

  it('does not come back by itself where it was the only one', async () => {
    const cluster = new SmallCluster(['w-2']);
    cluster.placeStrategy(HOLD);
    await cluster.until('a plan', () => cluster.status.state === 'ready-to-apply');
    cluster.request(SKIP);
    await cluster.until('an answer', () => answers(cluster).length > 0);
    cluster.editSpec({ execution: RUN });
    await cluster.until('the end', () => cluster.status.state === 'applied');
    cluster.world.changeHost('w-2', { labels: { changed: 'yes' } });
    for (let more = 0; more < 5; more++) await cluster.pass();
    expect(cluster.status).toMatchObject({ state: 'applied', skipped: [{ name: 'w-2' }] });
  });
});
