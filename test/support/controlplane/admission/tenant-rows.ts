/** The admission rows of what pools say about tenants, and those of MaintenanceWebhooks: see rows.ts. */
import { API_VERSION, MAINTENANCE_WEBHOOK } from '../../../../src/crds/names.ts';
import { byList, byRule, byShape, type AcceptedRow, type RefusedRow } from './row.ts';
import type { Manifest } from '../apply.ts';
import { poolManifest } from '../../operator/strategies.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A webhook in the namespace of Jobs. */
export function webhookManifest(
  name: string,
  spec: Fields = { url: 'https://a/', format: 'EventAlarm' },
): Manifest {
  const metadata = { name, namespace: 'careen-hosts' };
  return { apiVersion: API_VERSION, kind: MAINTENANCE_WEBHOOK, metadata, spec };
}

const pool = (tenants: Fields): Manifest => poolManifest('tried', 1, { tenants });
const webhook = (spec: Fields): Manifest => webhookManifest('tried', spec);
const calling = (url: string): Manifest => webhook({ url, secretRef: { name: 'careen-webhook' } });

const HOST =
  'must be a host name in lower case, such as hooks.example.com, the names below one, such as *.example.com, or an IP ' +
  'address';
const PROJECT =
  'each key must be the id of a project in Keystone, such as 3f2504e04f8911d39a0c0305e82c3301; the value is its namespace';
const URL_IS =
  'must be an address such as https://hooks.example.com/maintenance, without user, password and fragment: the receiver ' +
  'knows Careen by the signature';

export const TENANTS_ACCEPTED: readonly AcceptedRow[] = [
  {
    name: 'a pool with all about tenants',
    manifest: pool({
      namespaces: { '3f2504e04f8911d39a0c0305e82c3301': 'team-a', 'a.b_c-D': 'team-b' },
      defaultNamespace: 'team-c',
      webhookHosts: ['hooks.example.com', '*.example.com', '10.0.0.1', '127.0.0.1', '::1', '2001:db8::7'],
      ...{ allowHttp: true, extendSeconds: 3600 },
    }),
  },
  { name: 'a pool that says nothing of tenants', manifest: pool({}) },
];

export const TENANTS_REFUSED: readonly RefusedRow[] = [
  ...['*', 'https://a', 'A.example.com', 'a.*.com', 'a:443', '[::1]'].map((host) =>
    byRule(`webhooks to ${host}`, pool({ webhookHosts: ['a', host] }), 'spec.tenants.webhookHosts[1]', HOST),
  ),
  byList('a host of webhooks twice', pool({ webhookHosts: ['a', 'a'] }), 'spec.tenants.webhookHosts[1]'),
  byRule('a project with spaces', pool({ namespaces: { 'a b': 'a' } }), 'spec.tenants.namespaces', PROJECT),
  byShape('a namespace with a dot', pool({ defaultNamespace: 'a.b' }), 'spec.tenants.defaultNamespace'),
  byShape('less than no time', pool({ extendSeconds: -1 }), 'spec.tenants.extendSeconds'),
];

export const WEBHOOKS_ACCEPTED: readonly AcceptedRow[] = [
  ...[
    'https://a',
    'http://hooks.example.com:8080/a/b?c=d&e',
    'https://[2001:db8::7]:443/',
    'https://10.0.0.1/',
  ].map((url) => ({ name: `a webhook to ${url}`, manifest: calling(url) })),
  {
    name: 'a webhook for event alarms, without a Secret',
    manifest: webhook({
      url: 'https://vnfm.example.com/maintenance',
      format: 'EventAlarm',
      timeoutSeconds: 30,
    }),
  },
];

export const WEBHOOKS_REFUSED: readonly RefusedRow[] = [
  ...[
    'ftp://a',
    'https://',
    'https://user:password@a/',
    'https://a/#b',
    'https://a/b c',
    'a.example.com',
  ].map((url) => byRule(`a webhook to ${url}`, calling(url), 'spec.url', URL_IS)),
  byRule(
    'signed notifications without a key',
    webhook({ url: 'https://a/' }),
    'spec',
    'secretRef is needed with format CloudEvents: name a Secret of this namespace that has the key "secret"',
  ),
  byShape('an unknown format', webhook({ url: 'https://a/', format: 'Fenix' }), 'spec.format'),
  byShape(
    'a time-out of no time',
    webhook({ url: 'https://a/', format: 'EventAlarm', timeoutSeconds: 0 }),
    'spec.timeoutSeconds',
  ),
];
