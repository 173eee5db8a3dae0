/** The findings of an upgrade, and those about the quorum of the control plane. */
import { describe, expect, it } from 'vitest';
import { STRATEGY_KINDS } from '../../../src/crds/strategy-kinds.ts';
import type { Finding } from '../../../src/crds/observed/finding.ts';
import { NODE_WORDS } from '../../../src/hostops/node-words.ts';
import { build } from '../../../src/planner/build.ts';
import type { PlatformFacts } from '../../../src/planner/hosts/facts.ts';
import { findings } from '../../../src/planner/findings/findings.ts';
import type { HostState } from '../../../src/planner/findings/situation.ts';

const job = { template: { spec: { containers: [{ name: 'c', image: 'upgrade:1' }] } } };
const STAGED = { fact: 'labels.staged', operator: 'In', values: ['v1.36.2'] };
const staging = { job, staged: [STAGED] };
const hostUpgrade = { action: { job }, stage: staging, rollback: { job } };
const inPlace = { ...hostUpgrade, drain: 'ifRebootRequired' };

type Options = {
  readonly version?: string;
  readonly fact?: string;
  readonly spec?: Record<string, unknown>;
  readonly hosts?: Record<string, unknown>;
  readonly platform?: PlatformFacts;
};

const host = (
  name: string,
  kubelet: string,
  facts: Record<string, string> = {},
  more: Partial<HostState> = {},
): HostState => ({
  name,
  roles: [name.startsWith('c') ? 'controller' : 'worker'],
  facts: { 'nodeInfo.kubeletVersion': kubelet, 'nodeInfo.osImage': 'Debian 12', ...facts },
  ...{ unwell: [], outOfService: false, closedToNewWork: false },
  ...more,
});
const controllers = (kubelet: string, n = 3): HostState[] =>
  Array.from({ length: n }, (_, i) => host(`c-${String(i)}`, kubelet));

function found(hosts: readonly HostState[], options: Options = {}): Finding[] {
  const { version = 'v1.36.2', fact, platform = {} } = options;
  const spec = STRATEGY_KINDS.UpgradeStrategy.readSpec.parse({
    release: { version, ...(fact === undefined ? {} : { fact }) },
    hosts: options.hosts ?? { controller: hostUpgrade, worker: hostUpgrade },
    ...options.spec,
  });
  const { plan, hosts: about } = build(spec, hosts, { maxUnavailable: 2 });
  const pool = {
    name: 'default',
    maxUnavailable: 2,
    paused: false,
    keptByOtherPools: [],
    protectedNamespaces: [],
  };
  return findings({
    ...{ owner: 'UpgradeStrategy/careen-hosts/v1-36', words: NODE_WORDS, spec, pool, limit: 2, hosts },
    ...{ stages: plan.stages, about, violations: [], platform: { deprecatedApis: [], ...platform } },
  });
}

/** Each as `severity reason: subjects`. */
function brief(...args: Parameters<typeof found>): string[] {
  return found(...args).map(
    ({ severity, reason, subjects }) => `${severity} ${reason}: ${subjects.join(' ')}`,
  );
}

/** Each as `reason: message; remedy`. */
function texts(...args: Parameters<typeof found>): string[] {
  return found(...args).map(({ reason, message, remedy }) => `${reason}: ${message}; ${remedy}`);
}

describe('the findings of an upgrade', () => {
  it('are none where a staged fleet goes up by one minor release, or one patch release', () => {
    expect(found([...controllers('v1.35.4'), host('w-1', 'v1.33.1'), host('w-2', 'v1.36.2')])).toEqual([]);
    expect(found([...controllers('v1.36.1'), host('w-1', 'v1.36.1')])).toEqual([]);
  });

  describe('about version skew', () => {
    it('name the controllers that would skip a minor release', () => {
      expect(brief([...controllers('v1.34.9'), host('w-1', 'v1.34.9')])).toEqual([
        'warns VersionSkew: c-0 c-1 c-2',
      ]);
      expect(texts(controllers('v1.34.9'))).toEqual([
        'VersionSkew: v1.36.2 is 2 minor releases above the control plane (1.34): it goes up one at a time; upgrade to 1.35 first, then to each minor release up to this one',
      ]);
    });

    it('rest on the version of the API server where it is known', () => {
      const hosts = controllers('v1.34.9');
      expect(brief(hosts, { platform: { version: 'v1.35.1' } })).toEqual([]);
      expect(brief([host('w-1', 'v1.35.1')])).toEqual([]);
      const managed = brief([host('w-1', 'v1.35.1')], { platform: { version: 'v1.35.1-eks-1' } });
      expect(managed).toEqual(['warns VersionSkew: w-1']);
      expect(brief([host('w-1', 'v1.35.1')], { platform: { version: 'v1.36.0' } })).toEqual([]);
    });

    it('name the workers that would be newer than the control plane', () => {
      const hosts = [...controllers('v1.35.4'), host('w-2', 'v1.35.4'), host('w-1', 'v1.35.4')];
      expect(texts(hosts, { spec: { controllerApplyType: 'ignore' } })).toEqual([
        'VersionSkew: v1.36.2 is above the control plane (1.35), and the plan upgrades no controller: a kubelet must not be newer than the API server; upgrade the control plane first',
      ]);
    });

    it('name the hosts that the control plane would leave behind', () => {
      const hosts = [...controllers('v1.35.4'), host('w-1', 'v1.32.0'), host('w-2', 'v1.33.0')];
      expect(texts(hosts)).toEqual([
        'VersionSkew: w-1 would be more than 3 minor releases older than the control plane with 1.36; upgrade them to 1.35 first (controllerApplyType: ignore)',
      ]);
    });

    it('are none where the release is no version of a kubelet', () => {
      const hosts = [host('c-0', 'v1.30.0', { 'labels.os': '1.30.1' }), ...controllers('v1.30.0').slice(1)];
      expect(brief(hosts, { fact: 'labels.os' }).filter((each) => each.includes('VersionSkew'))).toEqual([]);
    });
  });

  it('name the APIs in use that the target release does not serve', () => {
    const platform = {
      version: 'v1.35.1',
      deprecatedApis: [
        { api: 'example.io/v1beta1 gates', removedIn: '1.36' },
        { api: 'example.io/v1beta2 gates', removedIn: '1.37' },
      ],
    };
    const hosts = [...controllers('v1.35.1')];
    expect(brief(hosts, { platform })).toEqual(['warns RemovedApis: example.io/v1beta1 gates']);
    expect(found(hosts, { platform })[0]?.message).toBe(
      'the API server has had requests for APIs that v1.36.2 does not serve: example.io/v1beta1 gates (gone in 1.36)',
    );
    expect(brief(controllers('v1.34.1'), { version: 'v1.35.0', platform })).toEqual([]);
  });

  it.each([
    ['nothing says which APIs are in use (platform.deprecatedApis)', undefined],
    ['/metrics of the API server cannot be read: no', '/metrics of the API server cannot be read: no'],
  ])('tell that removed APIs were not checked, because %s', (because, deprecatedApisUnknown) => {
    const platform = { deprecatedApis: undefined, deprecatedApisUnknown };
    expect(texts(controllers('v1.35.1'), { platform })).toEqual([
      `ApisNotChecked: whether APIs in use are gone in 1.36 was not checked, because ${because}; look at the metric apiserver_requested_deprecated_apis of each API server`,
    ]);
    expect(texts(controllers('v1.36.1'), { platform })).toEqual([]);
    expect(texts(controllers('v1.35.1'), { platform: { ...platform, version: 'v1.36.0' } })).toEqual([]);
  });

  it('name the hosts whose image differs from that of most others of their role', () => {
    const other = { 'nodeInfo.osImage': 'Debian 13' };
    const hosts = [
      ...controllers('v1.35.4'),
      ...['w-1', 'w-2'].map((name) => host(name, 'v1.35.4')),
      host('w-3', 'v1.35.4', other),
      host('w-4', 'v1.36.2', { 'nodeInfo.osImage': 'Debian 14' }),
    ];
    expect(texts(hosts)).toEqual([
      'ImagesDiffer: workers have different images: Debian 12 (w-1, w-2), Debian 13 (w-3); make sure that spec.hosts.worker.action suits each of them, or bring them to one image first',
    ]);
    expect(found(hosts)[0]?.subjects).toEqual(['w-3']);
    expect(
      brief([host('c-0', 'v1.35.4', other), ...controllers('v1.35.4').slice(1), host('w-1', 'v1.35.4')]),
    ).toEqual(['warns ImagesDiffer: c-0']);
  });

  it.each([
    ['v1.36.2+k3s1', 'v1.36.1', 'warns'],
    ['v1.36.2-eks-5e0fdde', 'v1.36.1', 'warns'],
    ['v1.36.2+k3s1', 'v1.36.1+rke2r1', 'warns'],
    ['v1.36.2', 'v1.36.1+k3s1', 'tells'],
    ['v1.36.2', 'v1.36.1-gke.1500', 'tells'],
    ['v1.36.2+k3s2', 'v1.36.1+k3s1', undefined],
    ['v1.36.2-eks-5e0fdde', 'v1.36.1-eks-ae9a62a', undefined],
    ['v1.36.2', 'v1.36.2-rc.1', undefined],
    ['v1.36.2', 'v1.36.1', undefined],
  ])('name the hosts whose kind of build is not that of the release %s: %s', (version, kubelet, severity) => {
    const hosts = [host('w-1', kubelet), host('w-2', kubelet), host('w-3', version)];
    const named = severity === undefined ? [] : [`${severity} BuildsDiffer: w-1 w-2`];
    expect(brief(hosts, { version, hosts: { worker: hostUpgrade } })).toEqual(named);
  });

  it('say what a build of another kind leads to, and what to do', () => {
    const of = (version: string, kubelet: string) =>
      texts([host('w-1', kubelet)], { version, hosts: { worker: hostUpgrade } });
    expect(of('v1.36.2+k3s1', 'v1.36.1')).toEqual([
      'BuildsDiffer: w-1 has another kind of build than v1.36.2+k3s1, such as v1.36.1 (nodeInfo.kubeletVersion): a host that reports such a version after its upgrade counts as not upgraded, and stays locked; give spec.release.version as the hosts will report it in nodeInfo.kubeletVersion',
    ]);
    expect(of('v1.36.2', 'v1.36.1+k3s1')).toEqual([
      'BuildsDiffer: v1.36.2 names no build, and w-1 has one, such as v1.36.1+k3s1 (nodeInfo.kubeletVersion): every build of v1.36.2 counts as the release; nothing, unless only one build is right: then give the version with its name',
    ]);
  });

  it('name the hosts on which nothing is staged', () => {
    const hosts = [...controllers('v1.35.4'), host('w-1', 'v1.35.4'), host('w-2', 'v1.36.2')];
    const worker = { action: { job }, rollback: { job } };
    expect(brief(hosts, { hosts: { controller: hostUpgrade, worker } })).toEqual(['tells StageMissing: w-1']);
  });

  it('name what is staged for another release, but not what a host runs', () => {
    const staged = (name: string, value: string): HostState =>
      host(name, 'v1.35.4', { 'labels.staged': value });
    const hosts = [
      ...controllers('v1.35.4'),
      ...[
        staged('w-1', 'v1.37.0'),
        staged('w-2', 'v1.36.2'),
        staged('w-3', 'v1.35.4'),
        staged('w-4', 'v1.37.0'),
      ],
      host('w-5', 'v1.35.4'),
    ];
    expect(texts(hosts)).toEqual([
      'StagedForOther: w-1, w-4 have "v1.37.0" staged (labels.staged), which this release does not want; nothing, if staging replaces it; otherwise remove it from the hosts',
    ]);
  });

  it.each([
    ['with a plan for others', [host('w-9', 'v1.35.4')]],
    ['with nothing to do', []],
  ])('name what is staged on hosts that have the release: %s', (_when, others) => {
    const staged = (name: string, value: string): HostState =>
      host(name, 'v1.36.2', { 'labels.staged': value });
    const hosts = [staged('w-1', 'v1.37.0'), staged('w-2', 'v1.36.2'), staged('w-3', 'no'), ...others];
    expect(texts(hosts).filter((each) => each.startsWith('StagedForOther'))).toEqual([
      'StagedForOther: w-1 has "v1.37.0" staged (labels.staged), which this release does not want: nothing replaces it, and the next reboot may start it; remove it from the hosts',
    ]);
  });

  it('name what is staged above the release where that counts as staged', () => {
    const atLeast = { fact: 'labels.staged', operator: 'AtLeast', values: ['v1.36.2'] };
    const worker = { ...hostUpgrade, stage: { job, staged: [atLeast] } };
    const hosts = ['v1.37.0', 'v1.36.2+k3s1', 'v1.36.1'].map((value, i) =>
      host(`w-${String(i)}`, 'v1.35.4', { 'labels.staged': value }),
    );
    expect(brief(hosts, { hosts: { worker } })).toEqual([
      'warns StagedForOther: w-0',
      'tells StagedForOther: w-2',
    ]);
  });

  it('say of the hook start that nothing undoes it', () => {
    const hosts = [...controllers('v1.35.4'), host('w-1', 'v1.35.4')];
    expect(texts(hosts, { spec: { start: { job } } })).toEqual([
      'NoWayBack: what stage 2 does cannot be undone: spec.rollback brings hosts back, and not what spec.start did; make sure that hosts can be brought back after it, or undo it by hand',
    ]);
  });

  it.each([
    ['v1.36.2', 'leave execution.mode at Hold, if somebody is to look first'],
    ['v1.35.4', 'set execution.throughStage to the stage before, if somebody is to look first'],
  ])('say how to stop before the release is activated, with hosts at %s', (kubelet, remedy) => {
    const found = texts([host('w-1', kubelet)], { spec: { activate: { job } } });
    expect(found.at(-1)).toContain(remedy);
  });

  describe('that brings hosts back', () => {
    const back = { rollback: true, workerApplyType: 'ignore' };

    it('name the kubelets that would be newer than the control plane', () => {
      const hosts = [...controllers('v1.36.2'), host('w-1', 'v1.36.2'), host('w-2', 'v1.35.4')];
      expect(texts(hosts, { spec: back })).toEqual([
        'VersionSkew: w-1 keeps 1.36, and the control plane is brought back from v1.36.2: a kubelet must not be newer than the API server; make sure that the release before is of 1.36, too; otherwise bring them back in the same plan (workerApplyType, storageApplyType)',
      ]);
      const partly = (before: string) => [
        ...controllers('v1.36.2', 2),
        host('c-9', before),
        host('w-1', 'v1.36.2'),
      ];
      expect(texts(partly('v1.35.4'), { spec: back }).join()).toContain('; bring them back in the same plan');
      expect(brief(partly('v1.36.1'), { spec: back })).toEqual([]);
      expect(brief(hosts, { spec: { rollback: true } })).toEqual([]);
    });

    it('name the hosts whose image differs', () => {
      const other = host('c-0', 'v1.36.2', { 'nodeInfo.osImage': 'Debian 13' });
      const found = texts([other, ...controllers('v1.36.2').slice(1)], { spec: back });
      expect(found.join()).toContain('make sure that spec.hosts.controller.rollback suits each of them');
    });
  });

  it('say of a host whose release is not known what cannot be done to it', () => {
    const [unknown] = texts([host('w-1', '')]);
    expect(unknown).toContain('if it cannot be upgraded to v1.36.2, exclude it in spec.provider');
  });

  it('tell of an unknown fact only where the work of that role compares it, not what staging will bring', () => {
    const hosts = [host('c-0', '', { 'labels.os': '1' }), ...controllers('').slice(1), host('w-1', '')];
    expect(brief(hosts, { fact: 'labels.os' }).filter((each) => each.includes('FactUnknown'))).toEqual([
      'warns FactUnknown: c-1 c-2',
      'warns FactUnknown: w-1',
    ]);
  });
});

describe('the quorum of the control plane', () => {
  it.each([
    [1, [], ['warns QuorumAtRisk: c-0']],
    [2, [], ['warns QuorumAtRisk: c-0 c-1']],
    [3, [], []],
    [3, ['c-2'], ['blocks QuorumAtRisk: c-2']],
    [5, [], []],
    [5, ['c-4'], []],
    [5, ['c-1', 'c-4'], ['blocks QuorumAtRisk: c-1 c-4']],
  ])('is at risk with %i controllers of which %j are out of service: %j', (n, out, expected) => {
    const hosts = controllers('v1.35.4', n).map((each) => ({
      ...each,
      outOfService: out.some((name) => name === each.name),
    }));
    expect(brief(hosts).filter((each) => each.includes('Quorum'))).toEqual(expected);
  });

  it('names the numbers, and is not at risk while controllers stay in service', () => {
    const hosts = controllers('v1.35.4').map((each) => ({ ...each, outOfService: each.name === 'c-2' }));
    const message =
      'without c-0 1 of 3 controllers would be in service, a quorum needs 2 (out of service: c-2)';
    expect(found(hosts).find(({ reason }) => reason === 'QuorumAtRisk')?.message).toBe(message);
  });

  it('is at risk by work in place as by an outage, not by staging alone', () => {
    const options = { hosts: { controller: inPlace, worker: hostUpgrade } };
    const hosts = controllers('v1.35.4').map((each) => ({ ...each, outOfService: each.name === 'c-2' }));
    expect(brief(hosts, options).filter((each) => each.includes('Quorum'))).toEqual([
      'blocks QuorumAtRisk: c-2',
    ]);
    const done = controllers('v1.36.2').map((each) => ({ ...each, outOfService: each.name === 'c-2' }));
    const onlyStaged = [...done, host('w-0', 'v1.35.4')];
    expect(brief(onlyStaged, options).filter((each) => each.includes('Quorum'))).toEqual([]);
  });

  it.each([
    [1, hostUpgrade, 'etcd has no quorum while c-0 is out of service, and the API server does not answer'],
    [
      2,
      hostUpgrade,
      'etcd has no quorum while one of c-0, c-1 is out of service, and the API server does not answer',
    ],
    [
      1,
      inPlace,
      'etcd may have no quorum while c-0 is worked on in place, and the API server may not answer',
    ],
    [
      2,
      inPlace,
      'etcd may have no quorum while one of c-0, c-1 is worked on in place, and the API server may not answer',
    ],
  ])('of %i controllers is lost, since each goes alone: %#', (n, controller, says) => {
    const finding = found(controllers('v1.35.4', n), { hosts: { controller } }).find(
      ({ reason }) => reason === 'QuorumAtRisk',
    );
    expect(finding?.message).toBe(
      `HostPool default has ${n === 1 ? '1 controller' : '2 controllers'}: ${says}`,
    );
  });

  it('is not lost by the hooks of an upgrade of workers', () => {
    const hosts = [...controllers('v1.36.2', 2), host('w-0', 'v1.35.4')];
    const spec = { start: { job } };
    expect(brief(hosts, { spec }).filter((each) => each.includes('Quorum'))).toEqual([]);
  });
});
