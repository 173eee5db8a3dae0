/** The admission rows of MaintenanceSession and MaintenanceNotice: see rows.ts. */
import {
  byList,
  byRule,
  byShape,
  LABEL_KEYS,
  NOT_SUPPORTED,
  ONE_ACTION,
  PINNED,
  RESTARTED,
  shown,
  type AcceptedRow,
  type RefusedRow,
} from './row.ts';
import type { Manifest } from '../apply.ts';
import { sessionManifest } from '../../operator/strategies.ts';

type Fields = Readonly<Record<string, unknown>>;

const container = { name: 'a', image: 'b' };
const job = { template: { spec: { containers: [container] } } };
const session = (spec: Fields): Manifest => sessionManifest('tried', spec);
const action = (fields: Fields): Manifest =>
  session({ actions: [{ plugin: 'maintain', type: 'host', job, ...fields }] });
const podOf = (pod: Fields, metadata?: Fields): Manifest =>
  action({
    job: { template: { ...(metadata ? { metadata } : {}), spec: { containers: [container], ...pod } } },
  });
const downloading = (...files: readonly Fields[]): Manifest =>
  session({
    downloads: files.map((fields) => ({
      ...{ name: 'f.bin', url: 'https://downloads.example.com/f.bin', sha256: 'a'.repeat(64) },
      ...fields,
    })),
  });
const replies = (fields: Fields): Manifest => session({ replies: fields });

const notice = (spec: Fields): Manifest => ({
  apiVersion: 'careen.dev/v1alpha1',
  kind: 'MaintenanceNotice',
  metadata: { name: 'tried', namespace: 'careen-hosts' },
  spec,
});
const uid = '3f2504e0-4f89-11d3-9a0c-0305e82c3301';

const TEMPLATE = 'spec.actions[0].job.template';

export const SESSIONS_ACCEPTED: readonly AcceptedRow[] = [
  { name: 'a session without actions', manifest: session({ actions: [] }) },
  { name: 'an action with metadata', manifest: action({ metadata: { level: '2', note: 'a=b, $(c)' } }) },
  { name: 'an action by a person', manifest: action({ job: undefined, manual: { timeoutSeconds: 60 } }) },
  {
    name: 'a session with downloads',
    manifest: downloading({}, { name: 'g', url: 'https://[2001:db8::1]:8443/g?a=b', maxBytes: 16777216 }),
  },
  { name: 'a session of all hosts', manifest: session({ hosts: [] }) },
  { name: 'a session of two hosts', manifest: session({ hosts: ['w-2', 'w-1'] }) },
  { name: 'a session that begins at a time', manifest: session({ maintenanceAt: '2026-12-01T22:00:00Z' }) },
  { name: 'a session that names its first state', manifest: session({ startState: 'MAINTENANCE' }) },
  ...['default', 'vnf', 'kubernetes', 'of-another-version'].map((workflow) => ({
    name: `a session by the workflow ${workflow}`,
    manifest: session({ workflow }),
  })),
  {
    name: 'a session that tells more',
    manifest: session({ metadata: { openstack_release: 'Queens', '': '' } }),
  },
  ...['pre', 'host', 'compute', 'controller', 'post'].map((type) => ({
    name: `an action of type ${type}`,
    manifest: action({ type }),
  })),
  ...['fail', 'proceed', 'wait'].map((onSilence) => ({
    name: `silence means ${onSilence}`,
    manifest: replies({ onSilence }),
  })),
  ...[1, 604800].flatMap((seconds) =>
    ['replySeconds', 'scaleInReplySeconds'].map((field) => ({
      name: `${field} ${String(seconds)}`,
      manifest: replies({ [field]: seconds }),
    })),
  ),
  {
    name: 'an action with labels and annotations of its pod',
    manifest: podOf(
      { restartPolicy: 'Never', hostPID: true },
      { labels: { a: '' }, annotations: { 'example.com/Rack_1.a': 'A_b.c-1' } },
    ),
  },
];

export const NOTICES_ACCEPTED: readonly AcceptedRow[] = [
  { name: 'a notice that nobody has answered', manifest: notice({}) },
  { name: 'a notice that is refused', manifest: notice({ reply: { question: 0, answer: 'NACK' } }) },
  {
    name: 'a notice that is refused, with the actions of an earlier answer',
    manifest: notice({ reply: { question: 1, answer: 'NACK', instanceActions: { [uid]: 'MIGRATE' } } }),
  },
  ...['MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION'].map((action) => ({
    name: `a notice that is answered by ${action}`,
    manifest: notice({ reply: { question: 1, answer: 'ACK', instanceActions: { [uid]: action } } }),
  })),
  { name: 'a notice that asks for time', manifest: notice({ extension: { question: 1, seconds: 86400 } }) },
];

export const SESSIONS_REFUSED: readonly RefusedRow[] = [
  byList('a session that names a host twice', session({ hosts: ['w-1', 'w-1'] }), 'spec.hosts[1]'),
  byShape('a session of a host without a name', session({ hosts: [''] }), 'spec.hosts[0]'),
  byList(
    'two actions of one plugin',
    session({
      actions: [
        { plugin: 'maintain', type: 'host', job },
        { plugin: 'maintain', type: 'post', job },
      ],
    }),
    'spec.actions[1]',
  ),
  byRule(
    'metadata for work by hand',
    action({ job: undefined, manual: { timeoutSeconds: 60 }, metadata: { level: '2' } }),
    'spec.actions[0].metadata',
    'metadata is told to a Job: a person who works by hand reads manual.message',
  ),
  byShape(
    'metadata of an action that is no text',
    action({ metadata: { level: 2 } }),
    'spec.actions[0].metadata.level',
  ),
  byShape('an action of no type', action({ type: undefined }), 'spec.actions[0].type'),
  byShape('an action of an unknown type', action({ type: 'storage' }), 'spec.actions[0].type', NOT_SUPPORTED),
  byRule('an action without a Job', action({ job: undefined }), 'spec.actions[0]', ONE_ACTION),
  byRule(
    'an action by a Job and a person',
    action({ manual: { timeoutSeconds: 60 } }),
    'spec.actions[0]',
    ONE_ACTION,
  ),
  byList('two downloads of one name', downloading({}, {}), 'spec.downloads[1]'),
  ...['http://a/f', 'https://a@b/f', 'https://', 'https://a/f#b'].map((url) =>
    byShape(`a download from ${url}`, downloading({ url }), 'spec.downloads[0].url'),
  ),
  byShape('a download without a checksum', downloading({ sha256: undefined }), 'spec.downloads[0].sha256'),
  byShape('a download to another folder', downloading({ name: '../a' }), 'spec.downloads[0].name'),
  ...['Maintain', '-a', 'a_b'].map((plugin) =>
    byShape(`an action called ${plugin}`, action({ plugin }), 'spec.actions[0].plugin'),
  ),
  byShape('an action without containers', podOf({ containers: [] }), `${TEMPLATE}.spec.containers`),
  byList(
    'an action with two containers of one name',
    podOf({ containers: [container, container] }),
    `${TEMPLATE}.spec.containers[1]`,
  ),
  byRule('an action pinned', podOf({ nodeName: 'a' }), `${TEMPLATE}.spec`, PINNED),
  byRule(
    'an action that restarts',
    podOf({ restartPolicy: 'Always' }),
    `${TEMPLATE}.spec.restartPolicy`,
    RESTARTED,
  ),
  ...['labels', 'annotations'].map((field) =>
    byRule(
      `an action with ${field} of a wrong key`,
      podOf({}, { [field]: { 'a b': 'c' } }),
      `${TEMPLATE}.metadata.${field}`,
      LABEL_KEYS,
    ),
  ),
  byShape(
    'a session that begins in its middle',
    session({ startState: 'PLANNED_MAINTENANCE' }),
    'spec.startState',
    NOT_SUPPORTED,
  ),
  ...['tomorrow', '2026-12-01 22:00:00'].map((maintenanceAt) =>
    byShape(`a session that begins ${maintenanceAt}`, session({ maintenanceAt }), 'spec.maintenanceAt'),
  ),
  ...['Default', ''].map((workflow) =>
    byShape(`a session by the workflow ${shown(workflow)}`, session({ workflow }), 'spec.workflow'),
  ),
  byShape('a session that tells a number', session({ metadata: { release: 3 } }), 'spec.metadata.release'),
  byShape('silence means nothing', replies({ onSilence: 'ask' }), 'spec.replies.onSilence', NOT_SUPPORTED),
  ...['replySeconds', 'scaleInReplySeconds'].flatMap((field) =>
    [0, 604801].map((seconds) =>
      byShape(`${field} ${String(seconds)}`, replies({ [field]: seconds }), `spec.replies.${field}`),
    ),
  ),
  byShape('a session with patches', session({ patches: [] }), 'spec.patches', /unknown field/),
];

export const NOTICES_REFUSED: readonly RefusedRow[] = [
  byShape('an answer to no question', notice({ reply: { answer: 'ACK' } }), 'spec.reply.question'),
  byShape('an answer of another word', notice({ reply: { question: 1, answer: 'OK' } }), 'spec.reply.answer'),
  byShape(
    'an instance that is deleted',
    notice({ reply: { question: 1, answer: 'ACK', instanceActions: { [uid]: 'DELETE' } } }),
    `spec.reply.instanceActions.${uid}`,
  ),
  byShape('no more time', notice({ extension: { question: 1, seconds: 0 } }), 'spec.extension.seconds'),
];
