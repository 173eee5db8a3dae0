/**
 * Manifests that the API server accepts, and some that it refuses. The admission
 * test asks a real one; a unit test asks the command line and its evaluator of
 * CEL rules, which must give the same answer for each.
 *
 * Every rule of the kinds, at each of its places, has an accepted and a refused
 * row; so has every list with unique entries. The unit test counts.
 */
import { LABEL_KEYS, byRule, byShape, shown, type AcceptedRow, type RefusedRow } from './row.ts';
import { POD_LABELS, SELECTORS } from './label-places.ts';
import { OPENSTACK_ACCEPTED, OPENSTACK_REFUSED } from './openstack-rows.ts';
import { PATCHES_ACCEPTED, PATCHES_REFUSED } from './patch-rows.ts';
import { POOLS_ACCEPTED, POOLS_REFUSED } from './pool-rows.ts';
import { SESSIONS_ACCEPTED, SESSIONS_REFUSED } from './session-rows.ts';
import { TENANTS_ACCEPTED, TENANTS_REFUSED } from './tenant-rows.ts';
import { UPGRADES_ACCEPTED, UPGRADES_REFUSED } from './upgrade-rows.ts';

export const ACCEPTED: readonly AcceptedRow[] = [
  ...PATCHES_ACCEPTED,
  ...UPGRADES_ACCEPTED,
  ...SESSIONS_ACCEPTED,
  ...OPENSTACK_ACCEPTED,
  ...TENANTS_ACCEPTED,
  ...POOLS_ACCEPTED,
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
];

export const REFUSED: readonly RefusedRow[] = [
  ...PATCHES_REFUSED,
  ...UPGRADES_REFUSED,
  ...SESSIONS_REFUSED,
  ...OPENSTACK_REFUSED,
  ...TENANTS_REFUSED,
  ...POOLS_REFUSED,
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
];
