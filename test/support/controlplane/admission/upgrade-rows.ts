/** The admission rows of UpgradeStrategy: see rows.ts. */
import {
  ALL_IGNORED,
  byList,
  byRule,
  byShape,
  LABEL_KEYS,
  NO_VALUES,
  NOT_SUPPORTED,
  ONE_ACTION,
  ONE_VERSION,
  PINNED,
  RESTARTED,
  shown,
  SOME_VALUES,
  type AcceptedRow,
  type RefusedRow,
} from './row.ts';
import type { Manifest } from '../apply.ts';
import { upgradeManifest } from '../../operator/strategies.ts';

type Fields = Readonly<Record<string, unknown>>;

const ROLES = ['controller', 'storage', 'worker'] as const;
const container = { name: 'a', image: 'b' };
const podOf = (pod: Fields, metadata?: Fields) => ({
  job: { template: { ...(metadata ? { metadata } : {}), spec: { containers: [container], ...pod } } },
});
const action = podOf({});
const manual = { manual: { timeoutSeconds: 60 } };
const upgrade = (spec: Fields): Manifest => upgradeManifest('tried', 'careen-hosts', spec);
const host = (role: string, fields: Fields, spec: Fields = {}): Manifest =>
  upgrade({ hosts: { [role]: { action, ...fields } }, ...spec });
const release = (fields: Fields): Manifest => upgrade({ release: { version: 'v1.36.4', ...fields } });
const staged = (role: string, fields: Fields): Manifest =>
  host(role, {
    stage: { ...action, staged: [{ fact: 'labels.a', operator: 'In', values: ['b'], ...fields }] },
  });

/** The places of Jobs: the path, and an upgrade with this action there. */
const JOBS: readonly (readonly [path: string, withJob: (job: object) => Manifest])[] = [
  ...ROLES.flatMap((role) => [
    [`spec.hosts.${role}.action`, (job: object) => host(role, { action: job })] as const,
    [`spec.hosts.${role}.stage`, (job: object) => host(role, { stage: job })] as const,
    [`spec.hosts.${role}.rollback`, (job: object) => host(role, { rollback: job })] as const,
  ]),
  ...['reboot', 'start', 'activate', 'complete'].map(
    (field) => [`spec.${field}`, (job: object) => upgrade({ [field]: job })] as const,
  ),
];

/** The places of Jobs that may be the work of a person instead. */
const isEither = (path: string): boolean => !/(stage|rollback|reboot)$/.test(path);

/** An upgrade that the VIM could make. */
const vim = (fields: Fields): Manifest =>
  upgrade({ profile: 'vim-2020', start: undefined, hosts: { worker: { action } }, ...fields });

const VIM_REFUSED: readonly RefusedRow[] = [
  byRule(
    'an upgrade of the VIM of 2024',
    vim({ profile: 'vim-2024' }),
    'spec.profile',
    'must be vim-2020 or careen: the VIM of 2024 has no upgrade of this form',
  ),
  ...[1, 11].map((maxParallelWorkerHosts) =>
    byRule(
      `an upgrade of the VIM of ${String(maxParallelWorkerHosts)} workers at once`,
      vim({ maxParallelWorkerHosts }),
      'spec.maxParallelWorkerHosts',
      'maxParallelWorkerHosts must be 2 to 10 with a profile of the VIM',
    ),
  ),
  byRule(
    'an upgrade of the VIM with a start',
    vim({ start: action }),
    'spec.start',
    'start must be left out: an upgrade of the VIM was started before',
  ),
  byRule(
    'a rollback of the VIM',
    vim({ rollback: true }),
    'spec.rollback',
    'rollback must be false: the VIM brings no host back',
  ),
  byRule(
    'an upgrade of the VIM that stops instances',
    vim({ defaultInstanceAction: 'stop-start' }),
    'spec.defaultInstanceAction',
    'defaultInstanceAction must be migrate: the VIM stops no instance for an upgrade',
  ),
  ...ROLES.map((role) =>
    byRule(
      `an upgrade of the VIM that stages a ${role}`,
      vim({ hosts: { [role]: { action, stage: action } } }),
      'spec.hosts',
      'hosts must have no stage: the VIM stages no host before its upgrade',
    ),
  ),
];

export const UPGRADES_ACCEPTED: readonly AcceptedRow[] = [
  { name: 'an upgrade of the VIM', manifest: vim({ activate: action, complete: action }) },
  ...[2, 10].map((maxParallelWorkerHosts) => ({
    name: `an upgrade of the VIM of ${String(maxParallelWorkerHosts)} workers at once`,
    manifest: vim({ maxParallelWorkerHosts }),
  })),
  ...['v1.36.4', '1', '1.36.4+k3s1', 'v1.30.4+rke2r1', '2026-11'].map((version) => ({
    name: `an upgrade to ${version}`,
    manifest: release({ version }),
  })),
  { name: 'an upgrade by a label', manifest: release({ fact: 'labels.example.com/release' }) },
  ...ROLES.flatMap((role) => [
    { name: `an upgrade of a ${role} only`, manifest: host(role, {}) },
    ...['never', 'ifRebootRequired', 'always'].map((drain) => ({
      name: `an upgrade of a ${role} with drain: ${drain}`,
      manifest: host(role, { drain, rebootRequired: false }),
    })),
    {
      name: `an upgrade of a ${role} with a reboot`,
      manifest: host(role, { rebootRequired: true }, { reboot: action }),
    },
    ...[{}, { operator: 'Exists', values: undefined }, { operator: 'AtLeast', values: ['1.2'] }].map(
      (fields) => ({
        name: `a ${role} that is staged by ${shown(fields)}`,
        manifest: staged(role, fields),
      }),
    ),
  ]),
  ...JOBS.filter(([path]) => isEither(path)).map(([path, withJob]) => ({
    name: `${path} by a person`,
    manifest: withJob(manual),
  })),
  ...JOBS.flatMap(([path, withJob]) => [
    {
      name: `${path} with labels and annotations of the pod`,
      manifest: withJob(
        podOf(
          { restartPolicy: 'Never', hostPID: true },
          { labels: { a: '' }, annotations: { 'example.com/Rack_1.a': 'A_b.c-1' } },
        ),
      ),
    },
  ]),
  ...['migrate', 'stop-start'].map((defaultInstanceAction) => ({
    name: `an upgrade with defaultInstanceAction ${defaultInstanceAction}`,
    manifest: upgrade({ defaultInstanceAction }),
  })),
  { name: 'the way back', manifest: host('worker', { rollback: action }, { rollback: true }) },
  {
    name: 'an upgrade of workers, and of nothing else',
    manifest: upgrade({ controllerApplyType: 'ignore', storageApplyType: 'ignore' }),
  },
  ...[1, 100].map((maxParallelStagedHosts) => ({
    name: `staging ${String(maxParallelStagedHosts)} at once`,
    manifest: upgrade({ maxParallelStagedHosts }),
  })),
  ...[0, 100].map((maxUnstagedHosts) => ({
    name: `an upgrade that may leave ${String(maxUnstagedHosts)} hosts unstaged`,
    manifest: upgrade({ maxUnstagedHosts }),
  })),
  ...['stageTimeoutSeconds', 'hookTimeoutSeconds', 'upgradeTimeoutSeconds'].flatMap((field) =>
    [1, 86400].map((seconds) => ({
      name: `an upgrade with ${field} ${String(seconds)}`,
      manifest: upgrade({ timing: { [field]: seconds } }),
    })),
  ),
];

const VERSION = 'must be a version that begins with a number that stands by itself, such as v1.36.2';
const NO_HOSTS = 'must say for at least one of controller, storage and worker how its hosts are upgraded';
const noReboot = (role: string): string =>
  `spec.reboot must say how to reboot a host, because spec.hosts.${role} has rebootRequired: true`;

export const UPGRADES_REFUSED: readonly RefusedRow[] = [
  ...VIM_REFUSED,
  ...['latest', 'v1a', '1b.36', 'release-1'].map((version) =>
    byRule(`an upgrade to ${version}`, release({ version }), 'spec.release.version', VERSION),
  ),
  byShape('an upgrade to nothing', release({ version: '' }), 'spec.release.version'),
  byShape('an upgrade to a long text', release({ version: '1'.repeat(129) }), 'spec.release.version'),
  byShape('an upgrade by an unknown fact', release({ fact: 'nodeInfo.colour' }), 'spec.release.fact'),
  byShape('an upgrade without a release', upgrade({ release: undefined }), 'spec.release'),
  byShape('an upgrade without hosts', upgrade({ hosts: undefined }), 'spec.hosts'),
  byRule('an upgrade of no role', upgrade({ hosts: {} }), 'spec.hosts', NO_HOSTS),
  byShape('an upgrade of an unknown role', upgrade({ hosts: { gpu: { action } } }), 'spec.hosts.gpu'),
  byRule(
    'an upgrade that is about nobody',
    upgrade({ controllerApplyType: 'ignore', storageApplyType: 'ignore', workerApplyType: 'ignore' }),
    'spec',
    ALL_IGNORED,
  ),
  ...ROLES.flatMap((role) => [
    byRule(
      `a ${role} with a reboot that nobody described`,
      host(role, { rebootRequired: true }),
      'spec.reboot',
      noReboot(role),
    ),
    byShape(
      `a ${role} that is upgraded by nothing`,
      upgrade({ hosts: { [role]: {} } }),
      `spec.hosts.${role}.action`,
    ),
    byShape(
      `a ${role} with an unknown drain`,
      host(role, { drain: 'sometimes' }),
      `spec.hosts.${role}.drain`,
      NOT_SUPPORTED,
    ),
    byShape(
      `a ${role} that is staged by nothing`,
      host(role, { stage: { ...action, staged: [] } }),
      `spec.hosts.${role}.stage.staged`,
    ),
    ...['In', 'NotIn'].map((operator) =>
      byRule(
        `a ${role} that is staged by ${operator} without values`,
        staged(role, { operator, values: [] }),
        `spec.hosts.${role}.stage.staged[0].values`,
        SOME_VALUES,
      ),
    ),
    byRule(
      `a ${role} that is staged by Exists with values`,
      staged(role, { operator: 'Exists' }),
      `spec.hosts.${role}.stage.staged[0].values`,
      NO_VALUES,
    ),
    byRule(
      `a ${role} that is staged by AtLeast a word`,
      staged(role, { operator: 'AtLeast' }),
      `spec.hosts.${role}.stage.staged[0].values`,
      ONE_VERSION,
    ),
  ]),
  ...JOBS.flatMap(([path, withJob]) => {
    const template = `${path}.job.template`;
    return [
      ...(isEither(path)
        ? [
            byRule(`${path} without any action`, withJob({}), path, ONE_ACTION),
            byRule(`${path} by a Job and a person`, withJob({ ...action, ...manual }), path, ONE_ACTION),
          ]
        : [byShape(`${path} without a Job`, withJob({}), `${path}.job`)]),
      byShape(
        `${path} without containers`,
        withJob(podOf({ containers: [] })),
        `${template}.spec.containers`,
      ),
      byShape(
        `${path} without an image`,
        withJob(podOf({ containers: [{ name: 'a' }] })),
        `${template}.spec.containers[0].image`,
      ),
      byRule(`${path} pinned`, withJob(podOf({ nodeName: 'a' })), `${template}.spec`, PINNED),
      byRule(
        `${path} that restarts`,
        withJob(podOf({ restartPolicy: 'Always' })),
        `${template}.spec.restartPolicy`,
        RESTARTED,
      ),
      byList(
        `${path} with two containers of one name`,
        withJob(podOf({ containers: [container, container] })),
        `${template}.spec.containers[1]`,
      ),
      ...['labels', 'annotations'].map((field) =>
        byRule(
          `${path} with ${field} of a wrong key`,
          withJob(podOf({}, { [field]: { 'a b': 'c' } })),
          `${template}.metadata.${field}`,
          LABEL_KEYS,
        ),
      ),
    ];
  }),
  ...[-1, 101, '1'].map((maxUnstagedHosts) =>
    byShape(
      `an upgrade that may leave ${shown(maxUnstagedHosts)} hosts unstaged`,
      upgrade({ maxUnstagedHosts }),
      'spec.maxUnstagedHosts',
    ),
  ),
  ...[0, 101].map((maxParallelStagedHosts) =>
    byShape(
      `staging ${String(maxParallelStagedHosts)} at once`,
      upgrade({ maxParallelStagedHosts }),
      'spec.maxParallelStagedHosts',
    ),
  ),
  ...['stageTimeoutSeconds', 'hookTimeoutSeconds', 'upgradeTimeoutSeconds'].flatMap((field) =>
    [0, 86401].map((seconds) =>
      byShape(
        `an upgrade with ${field} ${String(seconds)}`,
        upgrade({ timing: { [field]: seconds } }),
        `spec.timing.${field}`,
      ),
    ),
  ),
  byShape(
    'an upgrade with an unknown action for instances',
    upgrade({ defaultInstanceAction: 'pause' }),
    'spec.defaultInstanceAction',
    NOT_SUPPORTED,
  ),
  byShape('an upgrade with patches', upgrade({ patches: [] }), 'spec.patches', /unknown field/),
  byShape(
    'an upgrade with the time of patches',
    upgrade({ timing: { patchTimeoutSeconds: 5 } }),
    'spec.timing.patchTimeoutSeconds',
    /unknown field/,
  ),
];
