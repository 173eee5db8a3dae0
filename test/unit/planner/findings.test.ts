import { NODE_WORDS } from '../../../src/hostops/node-words.ts';
import { describe, expect, it } from 'vitest';
import { hostStateOf } from '../../../src/cli/plan/host-state.ts';
import type { FleetHost } from '../../../src/cli/files/fleet-file.ts';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { findings } from '../../../src/planner/findings/findings.ts';
import type { HostInstance, HostState, Situation } from '../../../src/planner/findings/situation.ts';
import type { Stage } from '../../../src/planner/plan.ts';
import { kernelPatch, strategySpec } from '../support/simulated-run.ts';

type Health = Partial<
  Pick<FleetHost, 'ready' | 'wasReady' | 'alarms' | 'outOfServiceTaints' | 'closedToNewWork' | 'claimedBy'>
>;

const host = (
  name: string,
  { roles = ['worker'], facts, instances, ...more }: Health & Partial<HostState> = {},
): HostState => {
  const healthy = {
    ...{ ready: true, wasReady: true, alarms: [], outOfServiceTaints: [] },
    ...{ closedToNewWork: false, pods: [] },
  };
  return {
    ...hostStateOf({ name, labels: {}, nodeInfo: {}, ...healthy, ...more }, ROLES),
    roles,
    instances,
    facts: facts ?? { 'nodeInfo.kernelVersion': '6.12.41', 'nodeInfo.kubeletVersion': 'v1.36.3' },
  };
};

const stage = (hosts: readonly string[], more: Partial<Stage> = {}): Stage => ({
  name: 'sw-patch-worker-hosts',
  hosts,
  patches: ['kernel'],
  level: 'away',
  steps: [],
  timeoutSeconds: 0,
  ...more,
});

const { roles: ROLES } = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });
const POOL = {
  name: 'default',
  maxUnavailable: 2,
  paused: false,
  keptByOtherPools: [],
  protectedNamespaces: ['kube-system'],
};
const CLAIMED = { owner: 'PatchStrategy/careen-hosts/firmware', level: 'away' } as const;

type Changes = Partial<Omit<Situation, 'spec'> & { readonly spec: Partial<Situation['spec']> }>;

/** A strategy whose two stages of two hosts fit the pool; `more` changes the subject of a test. */
function situation(hosts: readonly HostState[] = [], { spec, ...more }: Changes = {}): Situation {
  const names = ['w-1', 'w-2', 'w-3', 'w-4'];
  const others = names.filter((name) => hosts.every((each) => each.name !== name));
  return {
    owner: 'PatchStrategy/careen-hosts/kernel',
    words: NODE_WORDS,
    spec: { ...strategySpec({ workerApplyType: 'parallel', maxParallelWorkerHosts: 2 }), ...spec },
    pool: POOL,
    limit: 2,
    hosts: [...hosts, ...others.map((name) => host(name))],
    stages: [stage(['w-1', 'w-2']), stage(['w-3', 'w-4'])],
    about: 4,
    violations: [],
    ...more,
  };
}

/** The findings, each as `severity reason: subjects`. */
function found(...args: Parameters<typeof situation>): string[] {
  return findings(situation(...args)).map(
    ({ severity, reason, subjects }) => `${severity} ${reason}: ${subjects.join(' ')}`,
  );
}

describe('findings', () => {
  it('are empty when nothing blocks or hurts', () => {
    expect(found()).toEqual([]);
  });

  it.each<[string, Partial<Situation>, string[]]>([
    ['with a pool that selects no host', { hosts: [], about: 0 }, ['blocks NoHosts: HostPool default']],
    ['with a strategy that is about no host', { about: 0 }, ['blocks NoHosts: HostPool default']],
    ['where all hosts are current', { about: 4 }, []],
    [
      'with a pool whose hosts an older one keeps',
      { hosts: [], about: 0, pool: { ...POOL, keptByOtherPools: ['w-9'] } },
      ['blocks PoolOverlap: HostPool default'],
    ],
  ])('tell nobody to patch from nothing to do, %s', (_, more, expected) => {
    expect(found([], { stages: [], ...more })).toEqual(expected);
  });

  it('name the hosts that no role selects', () => {
    expect(found([host('x-1', { roles: [] })])).toEqual(['warns HostWithoutRole: x-1']);
  });

  it('name the planned hosts without a fact that a patch compares', () => {
    const virtual = (name: string) => host(name, { facts: { 'nodeInfo.kubeletVersion': 'v1.36.3' } });
    const hosts = [virtual('w-2'), virtual('w-4'), virtual('w-5')];
    expect(findings(situation(hosts))).toEqual([
      {
        severity: 'warns',
        reason: 'FactUnknown',
        subjects: ['w-2', 'w-4'],
        message:
          'nodeInfo.kernelVersion of w-2, w-4 is not known, so patch kernel-6.12.48 counts as missing there',
        remedy: 'if it cannot be patched, exclude it in spec.provider of HostPool default',
      },
    ]);
    const fact = 'labels.image';
    const asking = (...operators: readonly ('In' | 'NotIn' | 'Exists' | 'AtLeast')[]) => ({
      spec: strategySpec({
        patches: [
          { ...kernelPatch, current: operators.map((operator) => ({ fact, operator, values: ['1'] })) },
        ],
      }),
    });
    expect(found([], asking('NotIn', 'Exists'))).toEqual([]);
    expect(found([], asking('In', 'AtLeast'))).toEqual(['warns FactUnknown: w-1 w-2 w-3 w-4']);
  });

  it('say for each unwell host that it prevents a plan, unless somebody works on it', () => {
    const pressed = host('w-5', { alarms: ['reports DiskPressure (full)'] });
    expect(findings(situation([pressed]))).toMatchObject([
      {
        severity: 'blocks',
        reason: 'HostUnwell',
        message: 'w-5 reports DiskPressure (full): no plan is made meanwhile',
      },
    ]);
    expect(found([host('w-5', { ready: false })], { limit: 3 })).toEqual(['blocks HostUnwell: w-5']);
    expect(found([host('w-5', { ready: false, claimedBy: CLAIMED })], { limit: 3 })).toEqual([]);
    expect(found([host('w-5', { ready: false, wasReady: false })], { limit: 3 })).toEqual([]);
  });

  it('say that a cordoned host counts, and that too many hosts out of service prevent permits', () => {
    expect(found([host('w-5', { closedToNewWork: true })], { limit: 3 })).toEqual([
      'warns HostCordoned: w-5',
    ]);
    expect(found([host('w-5', { closedToNewWork: true })])).toEqual([
      'blocks LimitReached: w-5',
      'warns HostCordoned: w-5',
    ]);
  });

  it('count a host once, and no host that this strategy itself has taken out', () => {
    const stages = [stage(['w-1', 'w-2'])];
    expect(found([host('w-1', { closedToNewWork: true })], { stages })).toEqual(['warns HostCordoned: w-1']);
    const own = { owner: 'PatchStrategy/careen-hosts/kernel', level: 'away' } as const;
    expect(found([host('w-5', { closedToNewWork: true, claimedBy: own })])).toEqual([]);
    expect(found([host('w-5', { closedToNewWork: true, claimedBy: CLAIMED })])).toEqual([
      'blocks LimitReached: w-5',
    ]);
    expect(found([host('w-5', { claimedBy: { ...CLAIMED, level: 'touched' } })])).toEqual([]);
  });

  it('count a host that is not Ready as out of service', () => {
    expect(found([host('w-5', { ready: false })])).toEqual([
      'blocks HostUnwell: w-5',
      'blocks LimitReached: w-5',
    ]);
  });

  it('count a host that says by a taint that it is not in service', () => {
    const outOfServiceTaints = ['node.cilium.io/agent-not-ready:NoSchedule'];
    expect(found([host('w-5', { outOfServiceTaints })])).toEqual(['blocks LimitReached: w-5']);
  });

  it('allow more hosts than the limit when they are patched in place', () => {
    const stages = [stage(['w-1', 'w-2', 'w-3'], { level: 'touched' })];
    expect(found([], { stages })).toEqual([]);
  });

  it('name the strategy that works on a host of the plan', () => {
    expect(findings(situation([host('w-1', { claimedBy: CLAIMED })]))).toMatchObject([
      {
        severity: 'blocks',
        reason: 'LimitReached',
        message: expect.stringContaining('stage 1 takes 2 hosts out of service besides w-1') as unknown,
      },
      {
        severity: 'warns',
        reason: 'ClaimedByOther',
        subjects: ['w-1'],
        message:
          'PatchStrategy careen-hosts/firmware works on w-1: their stages wait until it has given them back',
      },
    ]);
  });

  it('name a claim that cannot be read', () => {
    expect(found([host('w-1', { spoiltClaim: 'its annotation careen.dev/claim cannot be read' })])).toEqual([
      'blocks ClaimSpoilt: w-1',
    ]);
  });

  it('say that a pool is paused or overlaps', () => {
    const pool = { ...POOL, paused: true, keptByOtherPools: ['x-1'] };
    expect(found([], { pool })).toEqual([
      'blocks PoolPaused: HostPool default',
      'blocks PoolOverlap: HostPool default',
    ]);
  });

  it('split a policy violation into the value and the allowed values', () => {
    const violations = ['spec.reboot is odd, which rule X does not admit; leave it out'];
    expect(findings(situation([], { violations }))).toEqual([
      {
        severity: 'blocks',
        reason: 'NotPermitted',
        subjects: ['PatchStrategy careen-hosts/kernel'],
        message: 'spec.reboot is odd, which rule X does not admit',
        remedy: 'leave it out',
      },
    ]);
  });

  it('say that a percentage amounts to one host', () => {
    const stages = [stage(['w-1']), stage(['w-2'])];
    const spec = { workerApplyType: 'serial', maxParallelWorkerHosts: 2 } as const;
    const pool = { ...POOL, maxUnavailable: '10%' };
    expect(found([], { spec, pool, limit: 1, stages })).toEqual(['tells LimitRounded: HostPool default']);
    expect(found([], { spec, pool: { ...POOL, maxUnavailable: 1 }, limit: 1, stages })).toEqual([]);
  });

  it('say that the limit makes stages smaller than wished', () => {
    const wish = (maxParallelWorkerHosts: number) =>
      ({ workerApplyType: 'parallel', maxParallelWorkerHosts }) as const;
    expect(found([], { spec: wish(3) })).toEqual(['tells StageCut: HostPool default']);
    expect(found([], { spec: wish(2) })).toEqual([]);
    expect(found([], { spec: wish(3), stages: [stage(['w-1', 'w-2'])] })).toEqual([]);
    expect(found([], { spec: { ...wish(3), workerApplyType: 'serial' } })).toEqual([]);
    const both = host('w-1', { roles: ['controller', 'worker'] });
    const stages = [stage(['w-1']), stage(['w-2', 'w-3'])];
    expect(found([both], { spec: wish(3), stages })).toEqual([]);
  });

  it('name the problem and the remedy', () => {
    const spoilt = 'its annotation careen.dev/claim cannot be read';
    const pool = { ...POOL, maxUnavailable: '20%', paused: true, keptByOtherPools: ['x-1'] };
    const all = findings({
      ...situation([], { pool, limit: 1, violations: ['spec.reboot is odd'] }),
      hosts: [
        host('w-1', { claimedBy: CLAIMED }),
        host('w-2', { spoiltClaim: spoilt }),
        host('w-3', { closedToNewWork: true }),
        host('w-4', { ready: false, alarms: ['reports DiskPressure', 'is short of PIDs'] }),
        host('w-5', { ready: false, roles: [] }),
      ],
      stages: [stage(['w-1'], { level: 'touched' }), stage(['w-3']), stage(['w-2', 'w-4'])],
    });
    expect(all.map(({ reason, message, remedy }) => `${reason}: ${message}; ${remedy}`)).toEqual([
      'NotPermitted: spec.reboot is odd; write the pod as Kubernetes takes it',
      'HostUnwell: w-4 reports DiskPressure; is short of PIDs: no plan is made meanwhile; mend it, take it out of the cluster, or place the request skip-host',
      'HostUnwell: w-5 is not Ready: no plan is made meanwhile; mend it, take it out of the cluster, or place the request skip-host',
      'PoolPaused: HostPool default is paused: no outage begins; set spec.paused of the pool to false',
      'PoolOverlap: HostPool default selects hosts of an older pool (x-1): it grants nothing; change its spec.provider',
      'LimitReached: stage 1 takes 1 host out of service besides w-1, w-4, w-5; HostPool default allows 1 at once, so it gets no permit; put hosts back into service, or raise maxUnavailable of the pool',
      `ClaimSpoilt: w-2 cannot be claimed: ${spoilt}; when nobody works on it, kubectl annotate node w-2 careen.dev/claim-`,
      'HostWithoutRole: no role of HostPool default selects w-5: left out of every plan; label them, or change spec.roles of the pool',
      'ClaimedByOther: PatchStrategy careen-hosts/firmware works on w-1: their stages wait until it has given them back; wait for it, or abort it',
      'HostCordoned: somebody has cordoned w-3: counts as out of service, and stays so; kubectl uncordon what may work again',
      'LimitRounded: 20% of 5 hosts comes to 1: they go one after another; raise maxUnavailable of the pool, if more may be out of service at once',
      'StageCut: HostPool default allows 1 host out of service at once, so stages of workers hold 1 and not 2 (maxParallelWorkerHosts); raise maxUnavailable of the pool, if more may be out of service at once',
    ]);
  });

  it('name five hosts and count the rest', () => {
    const without = (amount: number): string | undefined => {
      const hosts = Array.from({ length: amount }, (_, i) => host(`x-${String(i + 1)}`, { roles: [] }));
      return findings(situation(hosts))[0]?.message;
    };
    expect(without(5)).toContain('selects x-1, x-2, x-3, x-4, x-5: ');
    expect(without(7)).toContain('selects x-1, x-2, x-3, x-4, x-5 and 2 more: ');
  });

  it('keep every part of a remedy', () => {
    const violations = ['a is odd; leave it out; or ask for it'];
    expect(findings(situation([], { violations }))[0]?.remedy).toBe('leave it out; or ask for it');
  });

  it('omit a percentage that amounts to more than one host, or a pool of one host', () => {
    const pool = { ...POOL, maxUnavailable: '50%' };
    expect(found([], { pool })).toEqual([]);
    const alone = { ...situation([], { pool, limit: 1 }), hosts: [host('w-1')], stages: [stage(['w-1'])] };
    expect(findings(alone)).toEqual([]);
    const two = { ...alone, hosts: [host('w-1'), host('w-2')] };
    expect(findings(two).map(({ reason }) => reason)).toEqual(['LimitRounded']);
  });

  it('mention smaller stages only when workers are taken out of service', () => {
    const spec = { workerApplyType: 'parallel', maxParallelWorkerHosts: 3 } as const;
    const inPlace = [stage(['w-1', 'w-2', 'w-3'], { level: 'touched' })];
    expect(found([], { spec, stages: inPlace })).toEqual([]);
    const storage = ['w-1', 'w-2', 'w-3'].map((name) => stage([name], { name: 'sw-patch-storage-hosts' }));
    expect(found([], { spec, stages: storage })).toEqual([]);
  });

  it('omit problems that matter only to a plan when there is nothing to do', () => {
    const hosts = [host('w-5', { closedToNewWork: true }), host('x-1', { roles: [] })];
    expect(found(hosts, { stages: [], pool: { ...POOL, paused: true } })).toEqual([
      'warns HostWithoutRole: x-1',
    ]);
  });
});

describe('pods on the hosts of a plan', () => {
  const TOOL = { namespace: 'default', name: 'tool', localData: false };
  const CACHE = { namespace: 'default', name: 'cache', controller: 'ReplicaSet cache', localData: true };
  const GUARDED = { namespace: 'kube-system', name: 'guard', localData: false };
  const drain = (unmanaged: boolean, localData: boolean): Changes => ({
    spec: { drain: { evictUnmanagedPods: unmanaged, evictPodsWithLocalData: localData } },
  });

  it('are reported when their drain would fail, with what to set', () => {
    const hosts = [host('w-1', { instances: [TOOL] }), host('w-2', { instances: [CACHE, GUARDED] })];
    const [found, ...others] = findings(situation(hosts, drain(false, false)));
    expect(others).toEqual([]);
    expect(found).toMatchObject({ severity: 'warns', reason: 'PodsNeedConsent', subjects: ['w-1', 'w-2'] });
    for (const said of [
      'default/tool without',
      'set spec.drain.evictUnmanagedPods',
      'default/cache with emptyDir',
    ])
      expect(found?.message).toContain(said);
    expect(found?.message).toContain(
      'kube-system/guard without a controller in a namespace that the pool protects',
    );
  });

  it.each<[string, Changes, string[]]>([
    ['both kinds', drain(true, true), []],
    ['those without a controller', drain(true, false), ['w-2']],
    ['those with data', drain(false, true), ['w-1']],
  ])('are no finding where the strategy consents to %s', (_what, changes, left) => {
    const hosts = [host('w-1', { instances: [TOOL] }), host('w-2', { instances: [CACHE] })];
    expect(findings(situation(hosts, changes)).flatMap(({ subjects }) => subjects)).toEqual(left);
  });

  it('are no finding on hosts that are not drained', () => {
    const stages = [stage(['w-1'], { level: 'touched' }), stage(['w-3'])];
    const hosts = [host('w-1', { instances: [TOOL] }), host('w-2', { instances: [TOOL] })];
    expect(findings(situation(hosts, { ...drain(false, false), stages }))).toEqual([]);
  });

  it('that cannot leave are reported with what to do, once for all hosts that are drained', () => {
    const asleep = (name: string): HostInstance => ({
      ...{ namespace: 'shop', name, controller: 'Nova', localData: false },
      stuck: `is in status SUSPENDED: openstack server show ${name}`,
    });
    const hosts = [
      host('w-1', { instances: [asleep('a'), { ...asleep('b'), stuck: undefined }] }),
      host('w-2', { instances: [asleep('c')] }),
    ];
    expect(findings(situation(hosts, drain(true, true)))).toEqual([
      {
        severity: 'warns',
        reason: 'InstancesStuck',
        subjects: ['w-1', 'w-2'],
        message:
          'the drain of w-1, w-2 waits until its deadline: pod shop/a is in status SUSPENDED: openstack server show a, ' +
          'and 1 other cannot leave either',
        remedy: 'do that before the run',
      },
    ]);
  });

  it('are reported with the budget that lets none of them leave, once for each budget', () => {
    const db = (name: string): HostInstance => ({
      ...{ namespace: 'default', name, controller: 'StatefulSet db', localData: false, heldBy: 'db' },
    });
    const hosts = [host('w-1', { instances: [db('db-0')] }), host('w-2', { instances: [db('db-1')] })];
    expect(findings(situation(hosts, drain(true, true)))).toEqual([
      {
        severity: 'warns',
        reason: 'BudgetExhausted',
        subjects: ['w-1', 'w-2'],
        message:
          'PodDisruptionBudget default/db lets nothing leave now: the drain of w-1, w-2 waits for it, until its deadline',
        remedy: 'find out what it lacks, or give it room: kubectl -n default describe pdb db',
      },
    ]);
  });
});
