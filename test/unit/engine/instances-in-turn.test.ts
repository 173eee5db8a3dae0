/** Instances that the platform moves in turn: which of them are asked, how often, and what is said of the others. */
import { describe, expect, it } from 'vitest';
import { poolCapacity, closedBecause } from '../../../src/engine/permits/pool-capacity.ts';
import { NO_CONTROLLERS, type FleetFacts, type InstanceFacts } from '../../../src/engine/view.ts';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { workers } from '../support/fleets.ts';
import { ask } from '../support/requests.ts';
import { SimulatedRun } from '../support/simulated-run.ts';

const HOST = 'w-1';
const DRAIN = 'migrate-instances-from-host';

type Turn = Partial<Pick<InstanceFacts, 'request' | 'waitsFor' | 'stuck' | 'leaving'>>;

/** A run in its drain over pods, each shown with what `turns` says of it by its name. */
async function draining(turns: Record<string, Turn>): Promise<SimulatedRun> {
  const run = await SimulatedRun.start({
    ...{ hosts: workers(1), restarts: false },
    shown: (facts) => {
      const { instances } = facts;
      return instances
        ? { ...facts, instances: instances.map((each) => ({ ...each, ...turns[each.name] })) }
        : facts;
    },
  });
  for (const name of Object.keys(turns)) run.world.addPod({ host: HOST, name });
  run.world.advanceTo(run.world.now + 1_000);
  await run.until(() => run.step === DRAIN);
  return run;
}

/** The names of the instances that were asked, in their order. */
function asked({ accepted }: SimulatedRun): string[] {
  return accepted.flatMap((each) => (each.kind === 'evict' ? [each.instance.name] : []));
}

describe('an instance that waits for its turn', () => {
  it('is not asked before that, and is afterwards', async () => {
    const turns: Record<string, Turn> = { a: {}, b: { waitsFor: 'waits for its turn: at most 1 may leave' } };
    const run = await draining(turns);
    await run.elapse(60_000);
    expect(asked(run)).toEqual(['a']);
    expect(run.reasons).toEqual(['1 pod left on w-1; pod default/b waits for its turn: at most 1 may leave']);
    turns['b'] = {};
    await run.settle();
    expect([asked(run), run.run.state]).toEqual([['a', 'b'], 'applied']);
  });

  it('is given up by an abort: nothing was asked of it', async () => {
    const run = await draining({
      a: { waitsFor: 'is busy (powering-off) and is asked to leave after that' },
    });
    await run.elapse(5_000);
    await ask(run, { verb: 'abort' });
    await run.settle();
    expect([run.run.state, run.claimed]).toEqual(['aborted', []]);
  });
});

describe('an instance that is leaving', () => {
  it.each([
    ['is awaited by an abort', false, 'aborting'],
    ['is not awaited where the release of its host calls it off', true, 'aborted'],
  ])('%s', async (_, revocable, state) => {
    const since = Date.parse('2026-11-25T09:00:00Z');
    const leaving = { since, due: since + 86_400_000, heldBy: [], revocable };
    const run = await draining({ a: { leaving } });
    await run.elapse(5_000);
    await ask(run, { verb: 'abort' });
    await run.elapse(5_000);
    expect(run.run.state).toBe(state);
  });
});

describe('an instance that is stuck', () => {
  it('is named with its remedy, and not asked', async () => {
    const turns: Record<string, Turn> = {
      a: { stuck: 'is in status SUSPENDED: openstack server show a' },
      b: {},
    };
    const run = await draining(turns);
    await run.elapse(60_000);
    expect(asked(run)).toEqual(['b']);
    expect(run.reasons).toEqual([
      '1 pod left on w-1; pod default/a is in status SUSPENDED: openstack server show a',
    ]);
    turns['a'] = {};
    await run.settle();
    expect([asked(run), run.run.state]).toEqual([['b', 'a'], 'applied']);
  });

  it('comes before one that waits, in the reason', async () => {
    const run = await draining({ a: { waitsFor: 'waits' }, b: { stuck: 'is stuck' } });
    await run.elapse(1_000);
    expect(run.reasons).toEqual(['2 pods left on w-1; pod default/b is stuck; pod default/a waits']);
  });

  it('is given up by an abort', async () => {
    const run = await draining({ a: { stuck: 'is stuck' } });
    await run.elapse(5_000);
    await ask(run, { verb: 'abort' });
    await run.settle();
    expect([run.run.state, run.claimed]).toEqual(['aborted', []]);
  });
});

describe('a request to leave', () => {
  /** A run whose world accepts each request, and does nothing. */
  async function accepting(turn: { request: string }): Promise<{ run: SimulatedRun; keys: string[] }> {
    const keys: string[] = [];
    const run = await SimulatedRun.start({
      hosts: workers(1),
      shown: (facts) => {
        const { instances } = facts;
        return instances ? { ...facts, instances: instances.map((each) => ({ ...each, ...turn })) } : facts;
      },
      refusal: (effect) => {
        if (effect.kind !== 'evict') return undefined;
        keys.push(effect.key);
        return { kind: 'accepted' };
      },
    });
    run.world.addPod({ host: HOST, name: 'a' });
    run.world.advanceTo(run.world.now + 1_000);
    await run.until(() => keys.length > 0);
    return { run, keys };
  }

  it('that was accepted is made again only under another name', async () => {
    const turn = { request: 'live-migrate-0-0' };
    const { run, keys } = await accepting(turn);
    await run.elapse(60_000);
    expect(keys).toHaveLength(1);
    expect(run.reasons).toEqual(['1 pod left on w-1; pod default/a was asked to leave']);
    turn.request = 'live-migrate-1-0';
    run.world.changeHost(HOST, {});
    await run.elapse(60_000);
    expect(keys.map((key) => key.split('/')[4]?.split(':')[1])).toEqual([
      'live-migrate-0-0',
      'live-migrate-1-0',
    ]);
  });
});

describe('a pool whose hosts cannot be observed', () => {
  const spec = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });
  const none = new Set<string>();
  const fleet: FleetFacts = {
    ...{
      total: 3,
      outOfServiceByOthers: none,
      claimedAway: none,
      closedByRuns: new Map(),
      controllers: NO_CONTROLLERS,
    },
    ...{ keptByOtherPools: none, revision: 'r' },
  };
  const pool = { metadata: { name: 'vms' }, spec };

  it('grants nothing, and says why', () => {
    const unobservable = { ...fleet, unobservable: 'Keystone refuses the credentials' };
    expect(closedBecause(pool, unobservable)).toEqual({
      reason: 'ProviderUnavailable',
      message: 'the hosts of HostPool vms cannot be observed: Keystone refuses the credentials',
    });
    expect(poolCapacity(pool, unobservable).closedBecause).toContain('Keystone');
    expect(closedBecause(pool, fleet)).toBeUndefined();
  });

  it('is paused first of all where it is that, too', () => {
    const paused = { ...pool, spec: { ...spec, paused: true } };
    expect(closedBecause(paused, { ...fleet, unobservable: 'x' })?.reason).toBe('Paused');
  });
});
