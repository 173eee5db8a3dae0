/** The admission rows of pools on OpenStack, and of the choice of a provider: see rows.ts. */
import { byRule, byShape, shown, type AcceptedRow, type RefusedRow } from './row.ts';
import type { Manifest } from '../apply.ts';
import { kernelPatch, poolManifest, strategyManifest } from '../../operator/strategies.ts';

type Fields = Readonly<Record<string, unknown>>;

const PLACE = 'spec.provider.openstack';
const identityRef = { name: 'careen-openstack', cloudName: 'production' };
const provided = (provider: Fields): Manifest => poolManifest('tried', 1, { provider });
const pool = (openstack: Fields): Manifest => provided({ openstack: { identityRef, ...openstack } });
const excluding = (...exclude: readonly Fields[]): Manifest => pool({ exclude });
const comparing = (fact: string): Manifest =>
  strategyManifest('tried', 'careen-hosts', {
    patches: [{ ...kernelPatch, current: [{ fact, operator: 'AtLeast', values: ['9002000'] }] }],
  });

/** The bounds of the numbers. */
const BOUNDS = [
  ['maxMigrationsPerHost', 100],
  ['maxMigrationsPerTarget', 100],
  ['maxMigrations', 1000],
] as const;

export const OPENSTACK_ACCEPTED: readonly AcceptedRow[] = [
  { name: 'a pool of all compute hosts of a cloud', manifest: pool({}) },
  {
    name: 'a pool of some compute hosts of a region',
    manifest: pool({
      ...{ region: 'RegionOne', coldMigration: true, evacuation: true, stopStart: true },
      hostSelector: { zone: 'az-1', 'aggregate/gpu': 'member', 'metadata/rack': '7' },
      exclude: [
        { matchLabels: { 'aggregate/ironic': 'member' } },
        { matchExpressions: [{ key: 'metadata/pinned', operator: 'In', values: ['true'] }] },
      ],
    }),
  },
  ...[1, 255].map((length) => ({
    name: `a cloud with a name of length ${String(length)}`,
    manifest: pool({ identityRef: { name: 'a', cloudName: 'C'.repeat(length) } }),
  })),
  ...BOUNDS.flatMap(([field, most]) =>
    [1, most].map((value) => ({
      name: `a pool with ${field} ${String(value)}`,
      manifest: pool({ [field]: value }),
    })),
  ),
  ...['type', 'version'].map((field) => ({
    name: `a patch that compares hypervisor.${field}`,
    manifest: comparing(`hypervisor.${field}`),
  })),
];

const EXCLUDES_ALL = 'must have matchLabels or matchExpressions: an empty selector would exclude every host';
const VALUES = 'values must be given with In and NotIn, and left out with Exists and DoesNotExist';

export const OPENSTACK_REFUSED: readonly RefusedRow[] = [
  byRule(
    'a pool of no provider',
    provided({}),
    'spec.provider',
    'must have kubernetes or openstack: write kubernetes: {} for the nodes of this cluster, or openstack with the ' +
      'identityRef of a cloud',
  ),
  byRule(
    'a pool of both providers',
    provided({ kubernetes: {}, openstack: { identityRef } }),
    'spec.provider',
    'must not have both kubernetes and openstack: make a pool for each',
  ),
  byShape('a pool on OpenStack without a login', provided({ openstack: {} }), `${PLACE}.identityRef`),
  ...(
    [
      ['name', { cloudName: 'production' }],
      ['name', { name: '', cloudName: 'production' }],
      ['name', { name: 'Careen', cloudName: 'production' }],
      ['cloudName', { name: 'careen-openstack' }],
      ['cloudName', { name: 'careen-openstack', cloudName: '' }],
      ['cloudName', { name: 'careen-openstack', cloudName: 'c'.repeat(256) }],
    ] as const
  ).map(([field, login]) =>
    byShape(`a login of ${shown(login)}`, pool({ identityRef: login }), `${PLACE}.identityRef.${field}`),
  ),
  byShape('a region of nothing', pool({ region: '' }), `${PLACE}.region`),
  byRule(
    'a pool whose hostSelector a template left empty',
    pool({ hostSelector: null }),
    `${PLACE}.hostSelector`,
    'hostSelector must not be null: write {} to select all compute hosts, or the labels of those wanted',
  ),
  ...[{}, { matchLabels: {} }, { matchExpressions: [] }].map((selector) =>
    byRule(
      `a pool on OpenStack that excludes by ${shown(selector)}`,
      excluding({ matchLabels: { zone: 'az-1' } }, selector),
      `${PLACE}.exclude[1]`,
      EXCLUDES_ALL,
    ),
  ),
  byRule(
    'a pool on OpenStack that excludes by In without values',
    excluding({ matchExpressions: [{ key: 'zone', operator: 'In' }] }),
    `${PLACE}.exclude[0].matchExpressions[0].values`,
    VALUES,
  ),
  byShape(
    'a pool on OpenStack with nine exclusions',
    excluding(...Array.from({ length: 9 }, () => ({ matchLabels: { zone: 'az-1' } }))),
    `${PLACE}.exclude`,
  ),
  ...BOUNDS.flatMap(([field, most]) =>
    [0, most + 1].map((value) =>
      byShape(`a pool with ${field} ${String(value)}`, pool({ [field]: value }), `${PLACE}.${field}`),
    ),
  ),
  ...['coldMigration', 'evacuation', 'stopStart'].map((field) =>
    byShape(`a pool with ${field} in words`, pool({ [field]: 'no' }), `${PLACE}.${field}`),
  ),
  byShape(
    'an unknown fact of a hypervisor',
    comparing('hypervisor.colour'),
    'spec.patches[0].current[0].fact',
  ),
];
