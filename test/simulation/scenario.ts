/** The world at the beginning of a seed: hosts, pods, a pool, strategies. */
import type { Cluster } from './world/cluster.ts';
import type { ApiServer } from './world/api-server.ts';
import { at } from './world/api-server.ts';
import { isJson, type ApiObject, type Json, type NewObject } from './world/objects.ts';
import type { Random } from './world/random.ts';
import type { Scheduler } from './world/scheduler.ts';
import { refOf, type StrategyKind, type StrategyRef } from './world/strategies.ts';
import type { HostChange } from './world/cluster.ts';
import {
  areUpgraded,
  hasRollbacks,
  isAtLeast,
  storageHostsOf,
  upgradeChange,
  upgradeSpecOf,
  upgradeWayOf,
  type UpgradeWay,
} from './upgrade-scenario.ts';

export const NAMESPACE = 'careen-hosts';
export const POOL = 'default';
export const ADMIN = 'admin';
export const OLD = { kernelVersion: '6.12.40', kubeletVersion: 'v1.36.3' };
export const NEW = { kernelVersion: '6.12.48', kubeletVersion: 'v1.36.4' };

/** What a Job changes of a host with this node info. A patch never installs a lower version. */
export function changeBy(job: ApiObject, { kubeletVersion }: Json): HostChange {
  const upgrade = upgradeChange(job);
  if (upgrade) return upgrade;
  return changeOfPatch(at(job.metadata.labels, 'careen.dev/action'), { kubeletVersion });
}

/** What a patch changes of a host with this node info, whoever applies it. */
export function changeOfPatch(patch: unknown, { kubeletVersion }: Json): HostChange {
  switch (patch) {
    case 'kernel':
      return { atReboot: { kernelVersion: NEW.kernelVersion } };
    case 'kubelet': {
      const isHigher = isAtLeast(String(kubeletVersion), NEW.kubeletVersion);
      return isHigher ? {} : { atOnce: { kubeletVersion: NEW.kubeletVersion } };
    }
    default:
      return {};
  }
}

/** The label that a pool selects when it does not select every host; a host moved to another pool lacks it. */
export const SHELF = { shelf: 'a' };

const job = { template: { spec: { containers: [{ name: 'apply', image: 'patch:1' }] } } };
const KERNEL = {
  id: 'kernel',
  rebootRequired: true,
  current: [{ fact: 'nodeInfo.kernelVersion', operator: 'AtLeast', values: [NEW.kernelVersion] }],
  action: { job },
};
const KUBELET = {
  id: 'kubelet',
  rebootRequired: false,
  current: [{ fact: 'nodeInfo.kubeletVersion', operator: 'In', values: [NEW.kubeletVersion] }],
  action: { job },
};
/** The same beside an upgrade, which may bring a higher version. */
const KUBELET_OR_HIGHER = {
  ...KUBELET,
  current: [{ fact: 'nodeInfo.kubeletVersion', operator: 'AtLeast', values: [NEW.kubeletVersion] }],
};

export type Scenario = {
  readonly hosts: readonly string[];
  readonly strategies: readonly StrategyRef[];
  /** Undefined without an UpgradeStrategy. */
  readonly upgrades: UpgradeWay | undefined;
  /** Whether people ask for a rollback. */
  readonly hasRollbacks: boolean;
  /** A number, or a percentage. */
  readonly limit: number | string;
  readonly apps: Readonly<Record<string, number>>;
  /** Creates the objects. */
  readonly set: (server: ApiServer, cluster: Cluster, scheduler: Scheduler) => void;
};

export type ScenarioOptions = {
  /** Everything can end well: no host is cordoned, no step has a tight timeout, no drain needs consent. */
  readonly isCalm: boolean;
  /** The hosts come so long after the pool and the strategies; 0: before the strategies. */
  readonly hostsAfterMs: number;
  /** Draws the UpgradeStrategies, and nothing else. */
  readonly ofUpgrades: Random;
  /** Draws the storage hosts, in a seed with an upgrade, and how they are upgraded. */
  readonly ofStorage: Random;
  /** Draws whether patches are applied by hand, and nothing else. */
  readonly ofHands: Random;
  /** Draws whether people ask for a rollback, in a seed with an upgrade, and the ways back; else whether only hooks are left. */
  readonly ofRollbacks: Random;
  /** Draws which PatchStrategies have a profile of the VIM, and nothing else. */
  readonly ofProfiles: Random;
};

/** The share of the PatchStrategies with a profile of the VIM. It aborts after a failure, so no calm seed has any. */
const VIM_SHARE = 0.2;

/** Draws the world of a seed. */
export function scenarioOf(random: Random, options: ScenarioOptions): Scenario {
  const { isCalm, hostsAfterMs, ofUpgrades, ofStorage, ofRollbacks, ofHands, ofProfiles } = options;
  const upgrades = upgradeWayOf(ofUpgrades);
  const storage = upgrades ? storageHostsOf(ofStorage) : 0;
  // In a calm seed each host has the release at the end.
  const isRolledBack = upgrades !== undefined && !isCalm && hasRollbacks(ofRollbacks);
  const isUpgraded = upgrades !== undefined && !isCalm && !isRolledBack && areUpgraded(ofRollbacks);
  const controllers = random.pick([0, 0, 0, 1, 2]);
  const workers = random.pick([8, 8, 9]) - controllers;
  const hosts = [...names('c', controllers), ...names('s', storage), ...names('w', workers - storage)];
  const limit = random.pick([2, 3, 3, 4, 4, '25%', '50%']);
  const nodeSelector = random.chance(0.5) ? SHELF : {};
  const patching = random.chance(0.25) ? ['kernel', 'other'] : ['kernel'];
  const pods = Array.from(
    { length: random.int(4, 8) },
    () => [random.pick(['web', 'db']), random.pick(hosts)] as const,
  );
  const count = (app: string): number => pods.filter(([of]) => of === app).length;
  const apps = { web: Math.max(0, count('web') - random.int(1, 3)), db: Math.max(0, count('db') - 1) };
  const consent = random.chance(0.85);
  const closed = random.chance(0.2) ? random.pick(hosts) : undefined;
  const current = new Set(random.chance(0.3) ? [random.pick(hosts)] : []);
  const patches = patching.map((name) =>
    strategy('PatchStrategy', name, {
      ...specOf(name, random),
      ...(isCalm ? { timing: GENEROUS } : profileOf(ofProfiles)),
    }),
  );
  const draws = {
    isCalm,
    ofStorage: storage > 0 ? ofStorage : undefined,
    ofRollbacks: isRolledBack ? ofRollbacks : undefined,
  };
  const drawn = withUpgrades(patches, upgrades, (name) =>
    strategy('UpgradeStrategy', name, upgradeSpecOf(ofUpgrades, POOL, draws)),
  );
  const objects = ofHands.chance(BY_HAND_SHARE) ? drawn.map((each) => byHand(each, ofHands, isCalm)) : drawn;
  const releases = objects.map(({ spec }) => at(spec, 'release', 'version'));
  const release = releases.find((each) => typeof each === 'string') ?? OLD.kubeletVersion;
  const old = isUpgraded ? { ...OLD, kubeletVersion: release } : OLD;
  const addHosts = (cluster: Cluster): void => {
    for (const name of hosts) {
      cluster.addNode(
        name,
        labelsOf(name),
        current.has(name) && !isUpgraded ? NEW : old,
        name === closed && !isCalm ? { unschedulable: true } : {},
      );
    }
    for (const [app, host] of pods)
      cluster.addPod(app, host, { localData: !isCalm && !consent && host === hosts.at(-1) });
  };
  return {
    ...{ hosts, strategies: objects.map(refOf), upgrades, hasRollbacks: isRolledBack, limit, apps },
    set: (server, cluster, scheduler) => {
      server.create('hostpools', pool(limit, nodeSelector), ADMIN);
      if (hostsAfterMs > 0) scheduler.after(hostsAfterMs, () => addHosts(cluster));
      else addHosts(cluster);
      for (const object of objects) server.create(refOf(object).resource, object, ADMIN);
    },
  };
}

/** The labels of a host: whether it is a controller or a storage host, and the label that a pool may select. */
export function labelsOf(host: string): Readonly<Record<string, string>> {
  const role = { c: 'control-plane', s: 'storage' }[host.charAt(0)];
  return role === undefined ? SHELF : { ...SHELF, [`node-role.kubernetes.io/${role}`]: '' };
}

function withUpgrades(
  patches: readonly NewObject[],
  way: UpgradeWay | undefined,
  upgrade: (name: string) => NewObject,
): readonly NewObject[] {
  switch (way) {
    case undefined:
      return patches;
    case 'instead':
      return patches.map(({ metadata }) => upgrade(metadata.name));
    case 'beside':
      return [...patches.map(besideUpgrade), upgrade('release')];
    case 'same name':
      return [...patches.map(besideUpgrade), upgrade('kernel')];
  }
}

function besideUpgrade({ spec = {}, ...patching }: NewObject): NewObject {
  const patches = spec['patches'];
  const replaced = Array.isArray(patches)
    ? patches.map((each: unknown) => (each === KUBELET ? KUBELET_OR_HIGHER : each))
    : [];
  return { ...patching, spec: { ...spec, patches: replaced } };
}

/** The share of seeds in which patches are applied by hand. */
const BY_HAND_SHARE = 0.25;

/** The strategy with some of its patches applied by a person. */
function byHand({ spec = {}, ...strategyOf }: NewObject, random: Random, isCalm: boolean): NewObject {
  const { patches } = spec;
  if (!Array.isArray(patches)) return { ...strategyOf, spec };
  const applied = patches.map((each: unknown) => {
    if (!isJson(each) || !random.chance(0.7)) return each;
    const timeoutSeconds = isCalm ? 600 : random.int(20, 90);
    return {
      ...each,
      action: { manual: { timeoutSeconds, onTimeout: random.pick(['fail', 'fail', 'proceed']) } },
    };
  });
  return { ...strategyOf, spec: { ...spec, patches: applied } };
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}-${String(i + 1)}`);
}

function pool(maxUnavailable: number | string, nodeSelector: Json): Parameters<ApiServer['create']>[1] {
  // The API server stores it so: with the defaults of its schema.
  const spec = {
    provider: { kubernetes: { nodeSelector } },
    maxUnavailable,
    paused: false,
    allowedNamespaces: [NAMESPACE],
  };
  return { apiVersion: 'careen.dev/v1alpha1', kind: 'HostPool', metadata: { name: POOL }, spec };
}

function strategy(kind: StrategyKind, name: string, spec: Json): NewObject {
  return {
    apiVersion: 'careen.dev/v1alpha1',
    kind,
    metadata: { name, namespace: NAMESPACE },
    spec,
  };
}

function specOf(name: string, random: Random): Json {
  const patches =
    name === 'kernel'
      ? random.pick([[KERNEL, KUBELET], [KERNEL], [KUBELET, KERNEL], [KUBELET]])
      : random.pick([[KUBELET], [KERNEL]]);
  return {
    poolRef: POOL,
    patches,
    reboot: { job },
    controllerApplyType: 'serial',
    workerApplyType: random.chance(0.1) ? 'serial' : 'parallel',
    maxParallelWorkerHosts: random.pick([2, 3, 4, 4]),
    onForeignUncordon: random.pick(['pause', 'recordon', 'fail']),
    timing: timingOf(random),
    execution: random.chance(0.8) ? { mode: 'Run' } : { mode: 'Run', throughStage: random.int(0, 1) },
  };
}

function profileOf(random: Random): Json {
  return random.chance(VIM_SHARE) ? { profile: random.pick(['vim-2020', 'vim-2024']) } : {};
}

const GENEROUS = {
  ...{ lockTimeoutSeconds: 300, drainTimeoutSeconds: 600, patchTimeoutSeconds: 300 },
  ...{ verifyTimeoutSeconds: 300, unlockTimeoutSeconds: 300, settleSeconds: 5, stabilizeSeconds: 3 },
};

/** Some timeouts are hardly longer than a step takes. */
function timingOf(random: Random): Json {
  const isTight = random.chance(0.3);
  const seconds = (most: number): number => (isTight ? random.int(15, 40) : random.int(40, most));
  return {
    ...{ lockTimeoutSeconds: random.int(40, 120), drainTimeoutSeconds: seconds(120) },
    ...{ patchTimeoutSeconds: seconds(90), verifyTimeoutSeconds: seconds(90) },
    unlockTimeoutSeconds: random.int(40, 90),
    ...{ settleSeconds: random.int(0, 3), stabilizeSeconds: random.int(0, 3) },
  };
}
