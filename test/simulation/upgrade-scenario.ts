/** The UpgradeStrategies of a seed, and what their Jobs do to a host: the image of a container says what it does. */
import { at } from './world/api-server.ts';
import type { HostChange } from './world/cluster.ts';
import type { ApiObject, Json } from './world/objects.ts';
import type { Random } from './world/random.ts';

/** The label of a host that was staged: for which release. */
export const STAGED = 'example.com/staged';
/** The release to which a rollback brings a host back. */
const BEFORE = 'v1.36.3';
/** Nobody asks for a lower release than that of the patch `kubelet`. */
const RELEASES = ['v1.36.4', 'v1.37.0', 'v1.37.1'] as const;
export const HOOKS = ['start', 'activate', 'complete'] as const;
/** In the order of an upgrade. */
export const ROLES = ['controller', 'storage', 'worker'] as const;

/** How the UpgradeStrategies of a seed stand to its PatchStrategies. */
export const UPGRADE_WAYS = ['instead', 'beside', 'same name'] as const;
export type UpgradeWay = (typeof UPGRADE_WAYS)[number];

/** The share of seeds with an UpgradeStrategy. */
const SHARE = 0.35;

/** Undefined in a seed without an UpgradeStrategy. */
export function upgradeWayOf(random: Random): UpgradeWay | undefined {
  return random.chance(SHARE) ? random.pick(UPGRADE_WAYS) : undefined;
}

const GENEROUS = {
  ...{ stageTimeoutSeconds: 600, hookTimeoutSeconds: 600, upgradeTimeoutSeconds: 300 },
  ...{ lockTimeoutSeconds: 600, drainTimeoutSeconds: 600, verifyTimeoutSeconds: 300 },
  ...{ unlockTimeoutSeconds: 300, settleSeconds: 5, stabilizeSeconds: 3 },
};

/** How many of the workers of a seed with an upgrade are storage hosts instead. */
export function storageHostsOf(random: Random): number {
  return random.chance(0.4) ? random.int(1, 3) : 0;
}

/** Whether people ask for a rollback in a seed with an upgrade. */
export function hasRollbacks(random: Random): boolean {
  return random.chance(0.4);
}

/** Whether all hosts have the release from the beginning: only hooks are left. */
export function areUpgraded(random: Random): boolean {
  return random.chance(0.2);
}

export type UpgradeDraws = {
  /** It can end well, also beside another one. */
  readonly isCalm: boolean;
  /** Draws how storage hosts are upgraded, and nothing else; undefined where there are none. */
  readonly ofStorage: Random | undefined;
  /** Draws the ways back, and nothing else; undefined where nobody asks for one. */
  readonly ofRollbacks: Random | undefined;
};

export function upgradeSpecOf(random: Random, pool: string, draws: UpgradeDraws): Json {
  const { isCalm, ofStorage, ofRollbacks } = draws;
  const version = isCalm ? RELEASES[1] : random.pick(RELEASES.slice(0, 2));
  const hosts = {
    ...{ controller: hostUpgradeOf(random, version), worker: hostUpgradeOf(random, version) },
    ...(ofStorage ? { storage: hostUpgradeOf(ofStorage, version) } : {}),
  };
  const drawnHooks = HOOKS.flatMap((id): [string, Json][] => (random.chance(0.5) ? [[id, jobOf(id)]] : []));
  // What activates a release ends its way back.
  const isOpen = ofRollbacks?.chance(0.7) === true;
  return {
    poolRef: pool,
    release: { version, fact: 'nodeInfo.kubeletVersion' },
    hosts: ofRollbacks ? withWaysBack(hosts, ofRollbacks) : hosts,
    reboot: jobOf('reboot'),
    ...Object.fromEntries(drawnHooks.filter(([id]) => id === 'start' || !isOpen)),
    controllerApplyType: !isCalm && random.chance(0.1) ? 'ignore' : 'serial',
    workerApplyType: random.chance(0.1) ? 'serial' : 'parallel',
    maxParallelWorkerHosts: random.pick([2, 3, 4, 4]),
    maxParallelStagedHosts: random.pick([2, 4, 10]),
    onForeignUncordon: random.pick(['pause', 'recordon', 'fail']),
    timing: isCalm ? GENEROUS : timingOf(random),
    execution: random.chance(0.8) ? { mode: 'Run' } : { mode: 'Run', throughStage: random.int(0, 3) },
    ...(ofStorage ? { storageApplyType: ofStorage.pick(['serial', 'parallel']) } : {}),
    ...(random.chance(0.4) ? { maxUnstagedHosts: random.int(1, 2) } : {}),
  };
}

/** Nearly every role has a way back. */
function withWaysBack(hosts: Readonly<Record<string, Json>>, random: Random): Json {
  const upgrades = Object.entries(hosts).map(([role, upgrade]): [string, Json] => {
    const image = `${upgrade['rebootRequired'] === true ? 'restore' : 'back'}:${BEFORE}`;
    return [role, random.chance(0.9) ? { ...upgrade, rollback: jobOf(image) } : upgrade];
  });
  return Object.fromEntries(upgrades);
}

function hostUpgradeOf(random: Random, version: string): Json {
  const rebootRequired = random.chance(0.4);
  const staged = [{ fact: `labels.${STAGED}`, operator: 'In', values: [version] }];
  const stage = { ...jobOf(`stage:${version}`), ...(random.chance(0.5) ? { staged } : {}) };
  return {
    action: jobOf(`${rebootRequired ? 'install' : 'upgrade'}:${version}`),
    rebootRequired,
    drain: random.pick(['never', 'ifRebootRequired', 'always', 'always']),
    ...(random.chance(0.6) ? { stage } : {}),
  };
}

function jobOf(image: string): Json {
  return { job: { template: { spec: { containers: [{ name: 'apply', image }] } } } };
}

/** Some timeouts are hardly longer than a step takes. */
function timingOf(random: Random): Json {
  const isTight = random.chance(0.3);
  const seconds = (most: number): number => (isTight ? random.int(15, 40) : random.int(40, most));
  return {
    ...{ stageTimeoutSeconds: seconds(90), hookTimeoutSeconds: seconds(60) },
    ...{ lockTimeoutSeconds: random.int(40, 120), drainTimeoutSeconds: seconds(120) },
    ...{ upgradeTimeoutSeconds: seconds(90), verifyTimeoutSeconds: seconds(90) },
    unlockTimeoutSeconds: random.int(40, 90),
    ...{ settleSeconds: random.int(0, 3), stabilizeSeconds: random.int(0, 3) },
  };
}

/** What the container of a Job of an upgrade changes; undefined for that of another Job. */
export function upgradeChange(job: ApiObject): HostChange | undefined {
  const containers = at(job.spec, 'template', 'spec', 'containers');
  const image = String(at(Array.isArray(containers) ? containers[0] : undefined, 'image'));
  const [what, version = ''] = image.split(':');
  switch (what) {
    case 'upgrade':
    case 'back':
      return { atOnce: { kubeletVersion: version } };
    case 'install':
    case 'restore':
      return { atReboot: { kubeletVersion: version } };
    case 'stage':
      return { labels: { [STAGED]: version } };
    case 'start':
    case 'activate':
    case 'complete':
      return {};
    default:
      return undefined;
  }
}

/** Whether a version is at least as high as another one. */
export function isAtLeast(version: string, least: string): boolean {
  return version.localeCompare(least, 'en', { numeric: true }) >= 0;
}

/** People ask for the release before. */
export const ROLLBACK_ASKED = 'rollback asked';
export const UPGRADE_EDITS = ['release raised', 'hook edited', 'apply type edited'] as const;

/** An edit of the spec of an UpgradeStrategy by a person; undefined where it changes nothing. */
export function editedUpgrade(
  spec: Json,
  edit: (typeof UPGRADE_EDITS)[number],
  random: Random,
): Json | undefined {
  switch (edit) {
    case 'release raised': {
      const present = String(at(spec, 'release', 'version'));
      const next = RELEASES.find((each) => each > present);
      if (next === undefined) return undefined;
      // The images and the requirements of staging name the release, too. A cast: the text was made of an object.
      return JSON.parse(JSON.stringify(spec).replaceAll(present, next)) as Json;
    }
    case 'hook edited': {
      const { [random.pick(HOOKS)]: removed, ...others } = spec;
      const id = random.pick(HOOKS);
      return removed === undefined ? { ...spec, [id]: jobOf(id) } : others;
    }
    case 'apply type edited':
      return random.chance(0.3)
        ? { ...spec, controllerApplyType: random.pick(['serial', 'ignore']) }
        : { ...spec, workerApplyType: random.pick(['serial', 'parallel', 'parallel', 'ignore']) };
  }
}
