/**
 * Manifests that the API server accepts, and some that it refuses. The admission
 * test asks a real one; a unit test asks the command line and its evaluator of
 * CEL rules, which must give the same answer for each.
 *
 * Every rule of the kinds, at each of its places, has an accepted and a refused
 * row; so has every list with unique entries. The unit test counts.
 */
import type { Manifest } from './apply.ts';
import {
  ALL_IGNORED,
  LABEL_KEYS,
  NOT_SUPPORTED,
  NO_VALUES,
  ONE_ACTION,
  ONE_VERSION,
  PINNED,
  RESTARTED,
  SOME_VALUES,
  byList,
  byRule,
  byShape,
  shown,
  type AcceptedRow,
  type RefusedRow,
} from './admission-row.ts';
import { POD_LABELS, SELECTORS } from './label-places.ts';
import { OPENSTACK_ACCEPTED, OPENSTACK_REFUSED } from './openstack-admission-rows.ts';
import { TENANTS_ACCEPTED, TENANTS_REFUSED } from './tenant-admission-rows.ts';
import { SESSIONS_ACCEPTED, SESSIONS_REFUSED } from './session-admission-rows.ts';
import { UPGRADES_ACCEPTED, UPGRADES_REFUSED } from './upgrade-admission-rows.ts';
import { kernelPatch, kubeletPatch, poolManifest, strategyManifest } from '../operator/strategies.ts';

type Fields = Readonly<Record<string, unknown>>;

const strategy = (spec: Fields): Manifest => strategyManifest('tried', 'careen-hosts', spec);
const pool = (spec: Fields): Manifest => poolManifest('tried', 1, spec);
const limited = (maxUnavailable: unknown): Manifest => poolManifest('tried', maxUnavailable);
const askingEtcd = (etcd: Fields): Manifest => pool({ provider: { kubernetes: { etcd } } });
const excluding = (...exclude: readonly Fields[]): Manifest =>
  pool({ provider: { kubernetes: { exclude } } });
const policy = (actionPolicy: Fields): Manifest => pool({ actionPolicy });
const healthy = (health: Fields): Manifest => pool({ health });
const patchWith = (fields: Fields): Manifest => strategy({ patches: [{ ...kernelPatch, ...fields }] });
const requirement = (fields: Fields): Manifest =>
  patchWith({ current: [{ fact: 'nodeInfo.kernelVersion', operator: 'AtLeast', values: ['6'], ...fields }] });
const container = { name: 'a', image: 'b' };
const jobWith = (pod: Fields) => ({ job: { template: { spec: { containers: [container], ...pod } } } });
const withoutReboot = (patch: Fields): Manifest => ({ ...strategy({}), spec: { patches: [patch] } });

/** The places of a pod: its path, and a strategy with a pod there. */
const PODS = [
  ['spec.patches[0].action.job.template.spec', (pod: Fields) => patchWith({ action: jobWith(pod) })],
  ['spec.reboot.job.template.spec', (pod: Fields) => strategy({ reboot: jobWith(pod) })],
] as const;

const ROLES = ['controller', 'storage', 'worker'] as const;
const roleAsking = (role: string, fields: Fields): Manifest =>
  pool({ roles: { [role]: { matchExpressions: [{ key: 'a', ...fields }] } } });

export const ACCEPTED: readonly AcceptedRow[] = [
  ...['careen', 'vim-2020', 'vim-2024'].map((profile) => ({
    name: `the profile ${profile}`,
    manifest: strategy({ profile }),
  })),
  { name: 'one worker at once', manifest: strategy({ maxParallelWorkerHosts: 1 }) },
  ...UPGRADES_ACCEPTED,
  ...SESSIONS_ACCEPTED,
  ...OPENSTACK_ACCEPTED,
  ...TENANTS_ACCEPTED,
  ...[1, 10000, '1%', '99%', '100%'].map((limit) => ({
    name: `a limit of ${shown(limit)}`,
    manifest: limited(limit),
  })),
  {
    name: 'a pool that is stopped, for two namespaces',
    manifest: pool({ paused: true, allowedNamespaces: ['careen-hosts', 'team-a'] }),
  },
  {
    name: 'a pool without virtual nodes',
    manifest: excluding(
      { matchLabels: { type: 'virtual-kubelet' } },
      { matchExpressions: [{ key: 'eks.amazonaws.com/compute-type', operator: 'In', values: ['fargate'] }] },
    ),
  },
  { name: 'a pool that excludes nothing', manifest: excluding() },
  { name: 'a pool that asks etcd', manifest: askingEtcd({ secretName: 'careen-etcd' }) },
  {
    name: 'a pool that asks etcd at its port',
    manifest: askingEtcd({ secretName: 'etcd.client', port: 65535 }),
  },
  {
    name: 'a policy',
    manifest: policy({
      images: ['registry.example.com/patch:1', 'registry.example.com:5000/patches/*', '*', 'no\u00a0break'],
      privileged: false,
      hostMounts: ['/', '/var/lib/careen', '/.a/..b', '/a\n', '/…/é'],
      serviceAccounts: ['patcher'],
      secrets: ['licence.key'],
    }),
  },
  {
    name: 'a policy about every field',
    manifest: policy({
      ...{ requireDigests: true, requireImmutableConfigMaps: true, maxGraceSeconds: 30 },
      ...{ volumes: ['nfs', 'hostPath'], priorityClasses: ['low'], runtimeClasses: ['gvisor'] },
      devices: ['example.com/gpu', 'hugepages-2Mi', 'one-gpu'],
      labels: ['app', 'example.com/*', '*'],
      annotations: ['example.com/A_b.c'],
    }),
  },
  {
    name: 'downloads and workflows',
    manifest: policy({
      downloads: {
        hosts: ['downloads.example.com', '*.example.com', '127.0.0.1', '2001:db8::1'],
        maxBytes: 16777216,
      },
      workflows: ['by-rack'],
    }),
  },
  {
    name: 'bounds on consents',
    manifest: pool({
      drainPolicy: { evictUnmanagedPods: false, protectedNamespaces: ['kube-system', 'storage'] },
      ...{ maxTimeoutSeconds: 3600, maxOutageSeconds: 14400 },
    }),
  },
  ...[{ maxFinished: 0 }, { maxAgeSeconds: 60 }, { maxFinished: 10000, maxAgeSeconds: 315360000 }].map(
    (retention) => ({ name: `a retention of ${shown(retention)}`, manifest: pool({ retention }) }),
  ),
  { name: 'no protected namespace', manifest: pool({ drainPolicy: { protectedNamespaces: [] } }) },
  {
    name: 'rules of health',
    manifest: healthy({
      alarmConditions: ['KernelDeadlock', 'NTPProblem', 'example.com/Raid-1.degraded'],
      toleratedTaints: ['dedicated', 'node.example.com/rebuilding'],
    }),
  },
  { name: 'no alarms at all', manifest: healthy({ alarmConditions: [], toleratedTaints: [] }) },
  { name: 'a policy of nothing', manifest: policy({ images: [], hostMounts: [] }) },
  ...ROLES.flatMap((role) =>
    [
      { operator: 'In', values: ['b', 'c'] },
      { operator: 'DoesNotExist' },
      { operator: 'Exists', values: [] },
    ].map((fields) => ({ name: `a ${role} with ${shown(fields)}`, manifest: roleAsking(role, fields) })),
  ),
  ...SELECTORS.map(([path, withLabels]) => ({
    name: `${path} with labels of all forms`,
    manifest: withLabels({
      a: '',
      'example.com/Rack_1.a': 'A_b.c-1',
      [`${'a.'.repeat(126)}a/x`]: 'x'.repeat(63),
    }),
  })),
  ...POD_LABELS.map(([path, withLabels]) => ({
    name: `${path} with labels of all forms`,
    manifest: withLabels({ a: '', 'example.com/Rack_1.a': 'A_b.c-1' }),
  })),
  ...['Hold', 'Run', 'Suspend', 'Abort'].map((mode) => ({
    name: `the mode ${mode}`,
    manifest: strategy({ execution: { mode } }),
  })),
  ...['pause', 'recordon', 'fail'].map((answer) => ({
    name: `${answer} on an uncordon`,
    manifest: strategy({ onForeignUncordon: answer }),
  })),
  { name: 'two patches', manifest: strategy({ patches: [kernelPatch, kubeletPatch] }) },
  ...[
    { timeoutSeconds: 604800 },
    { timeoutSeconds: 1, message: 'replace the fan', onTimeout: 'proceed' },
  ].map((manual) => ({
    name: `a patch by a person: ${shown(manual)}`,
    manifest: patchWith({ action: { manual } }),
  })),
  { name: 'a patch without a reboot', manifest: withoutReboot(kubeletPatch) },
  { name: 'a patch that says so', manifest: withoutReboot({ ...kubeletPatch, rebootRequired: false }) },
  { name: 'a reboot that no patch asks for', manifest: patchWith({ rebootRequired: false }) },
  {
    name: 'a strategy for workers only',
    manifest: strategy({ controllerApplyType: 'ignore', storageApplyType: 'ignore' }),
  },
  ...[
    { operator: 'In', values: ['6', '7'] },
    { operator: 'NotIn', values: ['6'] },
    { operator: 'Exists', values: [] },
    { values: ['v1.2'] },
  ].map((fields) => ({ name: `a fact with ${shown(fields)}`, manifest: requirement(fields) })),
  {
    name: 'a fact that exists',
    manifest: patchWith({ current: [{ fact: 'labels.a', operator: 'Exists' }] }),
  },
  ...PODS.flatMap(([path, withPod]) => [
    { name: `${path} with restartPolicy`, manifest: withPod({ restartPolicy: 'Never' }) },
    {
      name: `${path} with fields of any pod`,
      manifest: withPod({
        containers: [container, { name: 'b', image: 'b', env: [] }],
        constructor: 'a',
        hostPID: true,
      }),
    },
  ]),
];

/** The messages of the rules. */
const TAKEN_ID = 'must not be "reboot": that names the reboot itself';
const NO_REBOOT = 'spec.reboot must say how to reboot a host, because a patch has rebootRequired: true';
const LIMIT = 'maxUnavailable must be a number from 1 to 10000, or a percentage from "1%" to "100%"';
const OWN_NAMESPACE =
  'allowedNamespaces must not contain careen-system, the namespace of Careen itself: use another, such as careen-hosts';
const IMAGE = 'must be an image, or a prefix that ends with *, such as "registry.example.com/patches/*"';
const MOUNT = 'must be an absolute path without "//", "." and "..", such as /var/lib/careen';
const ALARM = 'must be the type of a condition that is False on a healthy node, such as KernelDeadlock';
const TAINT = 'must be the key of a taint, without value and effect, such as example.com/dedicated';
const EXCLUDES_ALL = 'must have matchLabels or matchExpressions: an empty selector would exclude every host';
const VALUES = 'values must be given with In and NotIn, and left out with Exists and DoesNotExist';

const ID = 'spec.patches[0].id';
const CURRENT = 'spec.patches[0].current[0]';
const POLICY = 'spec.actionPolicy';
const POLICY_LISTS: readonly string[] = [
  ...['images', 'hostMounts', 'volumes', 'serviceAccounts', 'secrets', 'priorityClasses', 'runtimeClasses'],
  ...['devices', 'labels', 'annotations', 'workflows'],
];

export const REFUSED: readonly RefusedRow[] = [
  ...UPGRADES_REFUSED,
  ...SESSIONS_REFUSED,
  ...OPENSTACK_REFUSED,
  ...TENANTS_REFUSED,
  byShape('no patches', strategy({ patches: [] }), 'spec.patches', /at least 1/),
  byShape('a patch id with capitals', patchWith({ id: 'Kernel' }), ID),
  byRule('a patch called reboot', patchWith({ id: 'reboot' }), ID, TAKEN_ID),
  byList('two patches of one id', strategy({ patches: [kubeletPatch, kubeletPatch] }), 'spec.patches[1]'),
  byRule('a patch without any action', patchWith({ action: {} }), 'spec.patches[0].action', ONE_ACTION),
  byRule(
    'a patch by a Job and a person',
    patchWith({ action: { ...jobWith({}), manual: { timeoutSeconds: 60 } } }),
    'spec.patches[0].action',
    ONE_ACTION,
  ),
  ...[{}, { timeoutSeconds: 0 }, { timeoutSeconds: 604801 }].map((manual) =>
    byShape(
      `a patch by a person in ${shown(manual)}`,
      patchWith({ action: { manual } }),
      'spec.patches[0].action.manual.timeoutSeconds',
    ),
  ),
  byShape(
    'a patch by a person that waits on',
    patchWith({ action: { manual: { timeoutSeconds: 60, onTimeout: 'wait' } } }),
    'spec.patches[0].action.manual.onTimeout',
    NOT_SUPPORTED,
  ),
  byShape('a patch without a way to see it', patchWith({ current: [] }), 'spec.patches[0].current'),
  byShape('an unknown fact', requirement({ fact: 'nodeInfo.colour' }), `${CURRENT}.fact`),
  byShape('an unknown operator', requirement({ operator: 'Near' }), `${CURRENT}.operator`, NOT_SUPPORTED),
  ...[['1', '2'], ['new'], ['1a2b'], []].map((values) =>
    byRule(`AtLeast with ${shown(values)}`, requirement({ values }), `${CURRENT}.values`, ONE_VERSION),
  ),
  ...['In', 'NotIn'].map((operator) =>
    byRule(
      `${operator} without values`,
      requirement({ operator, values: [] }),
      `${CURRENT}.values`,
      SOME_VALUES,
    ),
  ),
  byRule('Exists with values', requirement({ operator: 'Exists' }), `${CURRENT}.values`, NO_VALUES),
  byRule('a reboot nobody described', withoutReboot(kernelPatch), 'spec.reboot', NO_REBOOT),
  ...PODS.flatMap(([path, withPod]) => [
    ...[{ nodeName: 'a' }, { nodeName: '' }, { nodeSelector: {} }, { affinity: { a: {} } }].map((fields) =>
      byRule(`${path} pinned by ${shown(fields)}`, withPod(fields), path, PINNED),
    ),
    ...['Always', ''].map((restartPolicy) =>
      byRule(
        `${path} that restarts: ${shown(restartPolicy)}`,
        withPod({ restartPolicy }),
        `${path}.restartPolicy`,
        RESTARTED,
      ),
    ),
    byShape(`${path} without containers`, withPod({ containers: [] }), `${path}.containers`),
    byList(
      `${path} with two containers of one name`,
      withPod({ containers: [container, { name: 'b', image: 'b' }, container] }),
      `${path}.containers[2]`,
    ),
  ]),
  byShape(
    'parallel controllers',
    strategy({ controllerApplyType: 'parallel' }),
    'spec.controllerApplyType',
    NOT_SUPPORTED,
  ),
  byRule(
    'nothing to apply to',
    strategy({ controllerApplyType: 'ignore', storageApplyType: 'ignore', workerApplyType: 'ignore' }),
    'spec',
    ALL_IGNORED,
  ),
  byShape(
    'too many at once',
    strategy({ maxParallelWorkerHosts: 101 }),
    'spec.maxParallelWorkerHosts',
    /less than or equal to 100/,
  ),
  byRule(
    'one worker at once with a profile of the VIM',
    strategy({ profile: 'vim-2024', maxParallelWorkerHosts: 1 }),
    'spec.maxParallelWorkerHosts',
    'maxParallelWorkerHosts must be 2 to 100 with a profile of the VIM',
  ),
  byShape('a profile of nobody', strategy({ profile: 'vim-2017' }), 'spec.profile', NOT_SUPPORTED),
  byShape('an unknown mode', strategy({ execution: { mode: 'Go' } }), 'spec.execution.mode', NOT_SUPPORTED),
  byShape('a negative stage', strategy({ execution: { throughStage: -1 } }), 'spec.execution.throughStage'),
  ...['sha256:0', `sha256:${'A'.repeat(64)}`, '0'.repeat(64)].map((plan) =>
    byShape(
      `a plan named ${plan.slice(0, 12)}`,
      strategy({ execution: { plan } }),
      'spec.execution.plan',
      /should match '\^sha256:/,
    ),
  ),
  byShape(
    'a timeout of nothing',
    strategy({ timing: { patchTimeoutSeconds: 0 } }),
    'spec.timing.patchTimeoutSeconds',
  ),
  byShape('a misspelt field', strategy({ maxParallelHosts: 2 }), 'spec.maxParallelHosts', /unknown field/),
  byShape(
    'an unknown answer to an uncordon',
    strategy({ onForeignUncordon: 'ignore' }),
    'spec.onForeignUncordon',
    NOT_SUPPORTED,
  ),
  ...[0, 10001, -1, '50', '0%', '01%', '150%', '10 %', '50%\n', 'few'].map((limit) =>
    byRule(`a pool limit of ${shown(limit)}`, limited(limit), 'spec.maxUnavailable', LIMIT),
  ),
  byShape('a pool limit of 1.5', limited(1.5), 'spec.maxUnavailable'),
  byShape('a stop switch in words', pool({ paused: 'yes' }), 'spec.paused'),
  byShape('a pool for nobody', pool({ allowedNamespaces: [] }), 'spec.allowedNamespaces'),
  byRule(
    "a pool for the operator's own namespace",
    pool({ allowedNamespaces: ['a', 'careen-system'] }),
    'spec.allowedNamespaces',
    OWN_NAMESPACE,
  ),
  byList(
    'a pool for one namespace twice',
    pool({ allowedNamespaces: ['a', 'a'] }),
    'spec.allowedNamespaces[1]',
  ),
  byShape(
    'a pool for a namespace that cannot be',
    pool({ allowedNamespaces: ['*'] }),
    'spec.allowedNamespaces[0]',
  ),
  byShape('an image pattern of nothing', policy({ images: [''] }), `${POLICY}.images[0]`),
  ...['*a', 'a b', 'a\tb', 'a\vb', 'a**', 'a*b'].map((pattern) =>
    byRule(`an image pattern ${shown(pattern)}`, policy({ images: [pattern] }), `${POLICY}.images[0]`, IMAGE),
  ),
  ...['var', '/var/', '//', '/var/../etc', '/..', '/./a', '/a/..'].map((path) =>
    byRule(`a host mount of ${path}`, policy({ hostMounts: [path] }), `${POLICY}.hostMounts[0]`, MOUNT),
  ),
  byShape('a privilege in words', policy({ privileged: 'no' }), `${POLICY}.privileged`),
  byShape(
    'a service account that cannot be',
    policy({ serviceAccounts: ['*'] }),
    `${POLICY}.serviceAccounts[0]`,
  ),
  byShape('a Secret that cannot be', policy({ secrets: [''] }), `${POLICY}.secrets[0]`),
  byShape(
    'a protected namespace that cannot be',
    pool({ drainPolicy: { protectedNamespaces: ['*'] } }),
    'spec.drainPolicy.protectedNamespaces[0]',
  ),
  byList(
    'a namespace that is protected twice',
    pool({ drainPolicy: { protectedNamespaces: ['a', 'a'] } }),
    'spec.drainPolicy.protectedNamespaces[1]',
  ),
  byShape(
    'no time at all',
    pool({ maxTimeoutSeconds: 0 }),
    'spec.maxTimeoutSeconds',
    /greater than or equal/,
  ),
  byShape('an outage of a moment', pool({ maxOutageSeconds: 59 }), 'spec.maxOutageSeconds', /60/),
  byRule(
    'a retention that keeps everything',
    pool({ retention: {} }),
    'spec.retention',
    'must have maxFinished or maxAgeSeconds: leave retention out to keep all finished strategies',
  ),
  byShape('less than none', pool({ retention: { maxFinished: -1 } }), 'spec.retention.maxFinished', /0/),
  byShape('an end at once', pool({ retention: { maxAgeSeconds: 59 } }), 'spec.retention.maxAgeSeconds', /60/),
  byShape('downloads from nowhere', policy({ downloads: { hosts: [] } }), `${POLICY}.downloads.hosts`),
  ...['*', 'a.*', 'https://a', 'A.example.com'].map((host) =>
    byShape(
      `downloads from ${host}`,
      policy({ downloads: { hosts: [host] } }),
      `${POLICY}.downloads.hosts[0]`,
    ),
  ),
  byList(
    'downloads from one host twice',
    policy({ downloads: { hosts: ['a', 'a'] } }),
    `${POLICY}.downloads.hosts[1]`,
  ),
  byShape(
    'downloads of any size',
    policy({ downloads: { hosts: ['a'], maxBytes: 16777217 } }),
    `${POLICY}.downloads.maxBytes`,
  ),
  byShape('an unknown volume', policy({ volumes: ['floppy'] }), `${POLICY}.volumes[0]`, NOT_SUPPORTED),
  byShape('a device of all', policy({ devices: ['*'] }), `${POLICY}.devices[0]`),
  byShape('a label key in two', policy({ labels: ['a b'] }), `${POLICY}.labels[0]`),
  byShape('an annotation in the middle', policy({ annotations: ['a*b'] }), `${POLICY}.annotations[0]`),
  byShape('a short grace', policy({ maxGraceSeconds: 29 }), `${POLICY}.maxGraceSeconds`, /30/),
  ...POLICY_LISTS.map((field) => {
    const entry = { hostMounts: '/a', volumes: 'nfs' }[field] ?? 'a';
    return byList(
      `${field} with an entry twice`,
      policy({ [field]: [entry, entry] }),
      `${POLICY}.${field}[1]`,
    );
  }),
  ...['Ready', 'Kernel Deadlock', '-a', 'a/b/c', 'a=b'].map((type) =>
    byRule(
      `an alarm condition ${type}`,
      healthy({ alarmConditions: [type] }),
      'spec.health.alarmConditions[0]',
      ALARM,
    ),
  ),
  ...['a=b', 'a:NoSchedule', '*', 'a/', '/a'].map((key) =>
    byRule(
      `a tolerated taint ${key}`,
      healthy({ toleratedTaints: [key] }),
      'spec.health.toleratedTaints[0]',
      TAINT,
    ),
  ),
  ...['alarmConditions', 'toleratedTaints'].map((field) =>
    byList(`${field} with an entry twice`, healthy({ [field]: ['a', 'a'] }), `spec.health.${field}[1]`),
  ),
  byShape('a misspelt rule of health', healthy({ alarms: ['a'] }), 'spec.health.alarms', /unknown field/),
  byShape('a misspelt rule', policy({ image: ['a'] }), `${POLICY}.image`, /unknown field/),
  ...[...SELECTORS, ...POD_LABELS].flatMap(([path, withLabels]) =>
    ['node role/gpu!', '', 'a/', '/a', 'a//b', 'A.b/c', '-a', 'a'.repeat(64)].map((key) =>
      byRule(`${path} with the key ${shown(key)}`, withLabels({ [key]: 'a' }), path, LABEL_KEYS),
    ),
  ),
  ...[...SELECTORS, ...POD_LABELS.slice(0, 2)].flatMap(([path, withLabels]) =>
    ['not a value; at all', '-a', 'a_', 'a'.repeat(64)].map((value) =>
      byShape(`${path} with the value ${shown(value)}`, withLabels({ a: value }), `${path}.a`),
    ),
  ),
  ...ROLES.flatMap((role) => [
    byShape(
      `a ${role} with a key that cannot be`,
      roleAsking(role, { key: 'node role/gpu!', operator: 'Exists' }),
      `spec.roles.${role}.matchExpressions[0].key`,
    ),
    byShape(
      `a ${role} with a value that cannot be`,
      roleAsking(role, { operator: 'In', values: ['not a value'] }),
      `spec.roles.${role}.matchExpressions[0].values[0]`,
    ),
  ]),
  byRule(
    'a pool whose nodeSelector a template left empty',
    pool({ provider: { kubernetes: { nodeSelector: null } } }),
    'spec.provider.kubernetes.nodeSelector',
    'nodeSelector must not be null: write {} to select all nodes, or the labels of those wanted',
  ),
  byShape('a fact of a label that cannot be', requirement({ fact: 'labels.node role!' }), `${CURRENT}.fact`),
  ...[{}, { matchLabels: {} }, { matchExpressions: [] }].map((selector) =>
    byRule(
      `a pool that excludes by ${shown(selector)}`,
      excluding({ matchLabels: { a: 'b' } }, selector),
      'spec.provider.kubernetes.exclude[1]',
      EXCLUDES_ALL,
    ),
  ),
  byRule(
    'a pool that excludes by In without values',
    excluding({ matchExpressions: [{ key: 'a', operator: 'In' }] }),
    'spec.provider.kubernetes.exclude[0].matchExpressions[0].values',
    VALUES,
  ),
  byShape(
    'a pool with nine exclusions',
    excluding(...Array.from({ length: 9 }, () => ({ matchLabels: { a: 'b' } }))),
    'spec.provider.kubernetes.exclude',
  ),
  byShape(
    'a pool that excludes by one selector in the place of a list',
    pool({ provider: { kubernetes: { exclude: { matchLabels: { a: 'b' } } } } }),
    'spec.provider.kubernetes.exclude',
  ),
  ...[{}, { secretName: 'Etcd' }, { secretName: 'etcd', port: 0 }, { secretName: 'etcd', port: 65536 }].map(
    (etcd) =>
      byShape(
        `a pool that asks etcd with ${shown(etcd)}`,
        askingEtcd(etcd),
        `spec.provider.kubernetes.etcd.${'port' in etcd ? 'port' : 'secretName'}`,
      ),
  ),
  ...ROLES.flatMap((role) =>
    [{ operator: 'In' }, { operator: 'NotIn', values: [] }, { operator: 'Exists', values: ['b'] }].map(
      (fields) =>
        byRule(
          `a ${role} with ${shown(fields)}`,
          roleAsking(role, fields),
          `spec.roles.${role}.matchExpressions[0].values`,
          VALUES,
        ),
    ),
  ),
];
