/** The admission rows of HostPool, but for its tenants and OpenStack: see rows.ts. */
import type { Manifest } from '../apply.ts';
import { NOT_SUPPORTED, byList, byRule, byShape, shown, type AcceptedRow, type RefusedRow } from './row.ts';
import { poolManifest } from '../../operator/strategies.ts';

type Fields = Readonly<Record<string, unknown>>;

const pool = (spec: Fields): Manifest => poolManifest('tried', 1, spec);
const limited = (maxUnavailable: unknown): Manifest => poolManifest('tried', maxUnavailable);
const askingEtcd = (etcd: Fields): Manifest => pool({ provider: { kubernetes: { etcd } } });
const excluding = (...exclude: readonly Fields[]): Manifest =>
  pool({ provider: { kubernetes: { exclude } } });
const policy = (actionPolicy: Fields): Manifest => pool({ actionPolicy });
const healthy = (health: Fields): Manifest => pool({ health });

const ROLES = ['controller', 'storage', 'worker'] as const;
const roleAsking = (role: string, fields: Fields): Manifest =>
  pool({ roles: { [role]: { matchExpressions: [{ key: 'a', ...fields }] } } });

export const POOLS_ACCEPTED: readonly AcceptedRow[] = [
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
];

/** The messages of the rules. */
const LIMIT = 'maxUnavailable must be a number from 1 to 10000, or a percentage from "1%" to "100%"';
const OWN_NAMESPACE =
  'allowedNamespaces must not contain careen-system, the namespace of Careen itself: use another, such as careen-hosts';
const IMAGE = 'must be an image, or a prefix that ends with *, such as "registry.example.com/patches/*"';
const MOUNT = 'must be an absolute path without "//", "." and "..", such as /var/lib/careen';
const ALARM = 'must be the type of a condition that is False on a healthy node, such as KernelDeadlock';
const TAINT = 'must be the key of a taint, without value and effect, such as example.com/dedicated';
const EXCLUDES_ALL = 'must have matchLabels or matchExpressions: an empty selector would exclude every host';
const VALUES = 'values must be given with In and NotIn, and left out with Exists and DoesNotExist';

const POLICY = 'spec.actionPolicy';
const POLICY_LISTS: readonly string[] = [
  ...['images', 'hostMounts', 'volumes', 'serviceAccounts', 'secrets', 'priorityClasses', 'runtimeClasses'],
  ...['devices', 'labels', 'annotations', 'workflows'],
];

export const POOLS_REFUSED: readonly RefusedRow[] = [
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
