/** Plans whose instances are stopped and started: the claim and the release say so, for the adapter and for every leader. */
import { describe, expect, it } from 'vitest';
import { hostPoolSpec, type HostPoolSpec } from '../../../src/crds/host-pool.ts';
import type { Effect } from '../../../src/engine/effect.ts';
import { readClaim, writeClaim } from '../../../src/hostops/claims.ts';
import { build } from '../../../src/planner/build.ts';
import { specDigest } from '../../../src/planner/digest.ts';
import { policyViolations } from '../../../src/planner/policy/pool-policy.ts';
import { workers } from '../support/fleets.ts';
import { OWNER, SimulatedRun, strategySpec } from '../support/simulated-run.ts';

const stopStart = strategySpec({ defaultInstanceAction: 'stop-start' });

describe.each([false, true])('a run that stops instances (restarts between passes: %s)', (restarts) => {
  it('says so in each claim and each release, and empties hosts by stop-instances', async () => {
    const effects: Effect[] = [];
    const run = await SimulatedRun.start({
      ...{ hosts: workers(2), spec: { defaultInstanceAction: 'stop-start' }, restarts },
      refusal: (effect) => void effects.push(effect),
    });
    await run.settle();
    expect(run.run.state).toBe('applied');
    const of = (kind: Effect['kind']): Effect[] => effects.filter((effect) => effect.kind === kind);
    expect(of('claim').length).toBeGreaterThanOrEqual(2);
    for (const effect of of('claim')) expect(effect).toMatchObject({ claim: { stopsInstances: true } });
    for (const effect of of('release'))
      expect(effect).toMatchObject({ stoppedSince: expect.any(String) as string });
    expect(run.wholeApply.stages[0]?.steps.map(({ name }) => name)).toContain('stop-instances');
  });
});

it('work in place stops nothing', async () => {
  const claims: Effect[] = [];
  const run = await SimulatedRun.start({
    ...{
      hosts: workers(1),
      spec: { defaultInstanceAction: 'stop-start', patches: [{ ...stopStart.patches[1] }] },
    },
    refusal: (effect) => {
      if (effect.kind === 'claim') claims.push(effect);
      return undefined;
    },
  });
  await run.settle();
  expect(claims.map((effect) => 'claim' in effect && effect.claim.stopsInstances)).toEqual([undefined]);
});

describe('a claim', () => {
  const claim = {
    ...{ run: 'r', pool: 'p', epoch: 1, owner: OWNER, planDigest: 'd', stage: 0, level: 'away' as const },
    ...{ closedToNewWorkBefore: false, since: '2026-11-27T12:00:00Z' },
  };

  it('keeps that it stops instances under its seal', () => {
    const text = writeClaim({ ...claim, stopsInstances: true }, 'uid');
    expect(readClaim(text, 'uid').claim?.stopsInstances).toBe(true);
    expect(readClaim(text.replace('"stopsInstances":true,', ''), 'uid').spoilt).toContain('was edited');
  });

  it('of an earlier version is read as ever', () => {
    expect(readClaim(writeClaim(claim, 'uid'), 'uid').claim).toEqual(claim);
  });
});

describe('a plan', () => {
  const spec = strategySpec({ defaultInstanceAction: 'stop-start', maxParallelWorkerHosts: 3 });
  const facts = { 'nodeInfo.kernelVersion': '6.12.40', 'nodeInfo.kubeletVersion': 'v1.36.4' };
  const seeds = [['g1'], ['g1', 'g2'], [], ['g2'], []].map((apart, i) => ({
    ...{ name: `w-${String(i)}`, roles: ['worker' as const], facts, apart },
  }));
  const listsOf = (of: typeof spec) =>
    build(of, seeds, { maxUnavailable: 3 }).plan.stages.map(({ hosts }) => hosts.join(' '));

  it('does not stop hosts together whose servers stand in for each other', () => {
    expect(listsOf(spec)).toEqual(['w-0 w-2 w-3', 'w-1 w-4']);
  });

  it('that moves instances takes hosts as ever, and has the digests of earlier versions', () => {
    const moving = strategySpec({ maxParallelWorkerHosts: 3 });
    expect(listsOf(moving)).toEqual(['w-0 w-1 w-2', 'w-3 w-4']);
    expect(moving).not.toHaveProperty('defaultInstanceAction');
    expect(specDigest(moving)).not.toBe(specDigest(spec));
  });
});

describe('a pool', () => {
  const pool = (provider: unknown): HostPoolSpec => hostPoolSpec.parse({ provider, maxUnavailable: 1 });
  const against = (provider: unknown) =>
    policyViolations(stopStart, 'careen-hosts', { ...pool(provider), name: 'p' }, 'careen-system');
  const cloud = { identityRef: { name: 'login', cloudName: 'lab' } };

  it('must allow that servers are stopped', () => {
    expect(against({ openstack: cloud })).toEqual([
      'spec.defaultInstanceAction is "stop-start", which rule provider.openstack.stopStart of HostPool p does not ' +
        'admit; leave it out',
    ]);
    expect(against({ openstack: { ...cloud, stopStart: true } })).toEqual([]);
  });

  it('of nodes never does', () => {
    expect(against({ kubernetes: {} })).toEqual([
      'spec.defaultInstanceAction is "stop-start", and the hosts of HostPool p are nodes: no pod is stopped and started ' +
        'again; leave it out',
    ]);
  });
});
