/** The UpgradeStrategies of a seed, and what their Jobs do to a host: the image of a container says what it does. */
import { at } from './world/api-server.ts';
import type { HostChange } from './world/cluster.ts';
import type { ApiObject, Json } from './world/objects.ts';
import type { Random } from './world/random.ts';

/** The label of a host that was staged: for which release. */
export const STAGED = 'example.com/staged';
/** Nobody asks for a lower release than that of the patch `kubelet`. */
const RELEASES = ['v1.36.4', 'v1.37.0', 'v1.37.1'] as const;
export const HOOKS = ['start', 'activate', 'complete'] as const;
export const ROLES = ['controller', 'worker'] as const;

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

/** `isCalm`: it can end well, also beside another one. */
export function upgradeSpecOf(random: Random, pool: string, isCalm: boolean): Json {
  const version = isCalm ? RELEASES[1] : random.pick(RELEASES.slice(0, 2));
  return {
    poolRef: pool,
    release: { version, fact: 'nodeInfo.kubeletVersion' },
    hosts: Object.fromEntries(ROLES.map((role) => [role, hostUpgradeOf(random, version)])),
    reboot: jobOf('reboot'),
    ...Object.fromEntries(HOOKS.flatMap((id) => (random.chance(0.5) ? [[id, jobOf(id)]] : []))),
    controllerApplyType: !isCalm && random.chance(0.1) ? 'ignore' : 'serial',
    workerApplyType: random.chance(0.1) ? 'serial' : 'parallel',
    maxParallelWorkerHosts: random.pick([2, 3, 4, 4]),
    maxParallelStagedHosts: random.pick([2, 4, 10]),
    onForeignUncordon: random.pick(['pause', 'recordon', 'fail']),
    timing: isCalm ? GENEROUS : timingOf(random),
    execution: random.chance(0.8) ? { mode: 'Run' } : { mode: 'Run', throughStage: random.int(0, 3) },
  };
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
      return { atOnce: { kubeletVersion: version } };
    case 'install':
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
