import { MAINTENANCE_TAINT } from '../../src/crds/names.ts';

export const FOREIGN_TAINT = { key: 'team/dedicated', value: 'a', effect: 'NoSchedule' };
export const OUR_TAINT = { key: MAINTENANCE_TAINT, effect: 'NoSchedule' };
const OWNER = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: 'b' };
const CIDR = '10.1.0.0/24';

/** Changes of a node that the operator may not make: what, the patch, and the field that the refusal names. */
export const NODE_CHANGES_REFUSED: readonly [string, object, string][] = [
  ['a label', { metadata: { labels: { pool: 'a' } } }, 'metadata.labels[pool]'],
  ['a label of another', { metadata: { labels: { zone: null } } }, 'metadata.labels[zone]'],
  [
    'a label careen.dev/*',
    { metadata: { labels: { 'careen.dev/x': 'a' } } },
    'metadata.labels[careen.dev/x]',
  ],
  ['an annotation', { metadata: { annotations: { 'team/x': 'a' } } }, 'metadata.annotations[team/x]'],
  [
    'an annotation of another',
    { metadata: { annotations: { 'team/note': null } } },
    'annotations[team/note]',
  ],
  ['a look-alike', { metadata: { annotations: { 'x.careen.dev/a': 'a' } } }, 'annotations[x.careen.dev/a]'],
  ['a finalizer', { metadata: { finalizers: ['team/f'] } }, 'metadata.finalizers'],
  ['an owner', { metadata: { ownerReferences: [OWNER] } }, 'metadata.ownerReferences'],
  [
    'a taint',
    { spec: { taints: [FOREIGN_TAINT, { key: 'a', effect: 'NoSchedule' }] } },
    'spec.taints[a:NoSchedule]',
  ],
  ['no taint of another', { spec: { taints: [OUR_TAINT] } }, 'spec.taints[team/dedicated:NoSchedule]'],
  [
    'a changed taint of another',
    { spec: { taints: [{ ...FOREIGN_TAINT, value: 'b' }] } },
    'spec.taints[team/dedicated:NoSchedule]',
  ],
  [
    'our taint so that it evicts',
    { spec: { taints: [FOREIGN_TAINT, { ...OUR_TAINT, effect: 'NoExecute' }] } },
    'spec.taints[careen.dev/maintenance:NoExecute]',
  ],
  ['a provider', { spec: { providerID: 'a://b' } }, 'spec.providerID'],
  ['the network of the pods', { spec: { podCIDR: CIDR, podCIDRs: [CIDR] } }, 'spec.podCIDR'],
  [
    'something beside an allowed change',
    { metadata: { labels: { pool: 'a' } }, spec: { unschedulable: true } },
    'metadata.labels[pool]: the operator of Careen may change only',
  ],
];
