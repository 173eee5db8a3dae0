/** Each value of the chart does what it says, and what is no value is refused. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CHART, CRDS_CHART, fieldAt, keyOf, rendered, renderedOfKind } from '../support/tools.ts';

const POD = 'spec.template.spec';
const CONTAINER = `${POD}.containers.0`;
const ABSENT = Symbol('no such object');

/** A value, the kind that it changes, and what it makes of it. */
// prettier-ignore
const effects: readonly [value: string, kind: string, path: string | typeof ABSENT, expected?: unknown][] = [
  ['fullnameOverride="fleet"', 'Deployment', 'metadata.name', 'fleet'],
  ['nameOverride="fleet"', 'Deployment', 'spec.selector.matchLabels', labels('fleet')],
  ['nameOverride="fleet"', 'Service', 'spec.selector', labels('fleet')],
  ['nameOverride="fleet"', 'PodDisruptionBudget', 'spec.selector.matchLabels', labels('fleet')],
  ['nameOverride="fleet"', 'NetworkPolicy', 'spec.podSelector.matchLabels', labels('fleet')],
  ['image.repository="r.example/c"', 'Deployment', `${CONTAINER}.image`, 'r.example/c:0.1.0'],
  ['image.tag="0.1.1"', 'Deployment', `${CONTAINER}.image`, 'ghcr.io/careen-dev/careen:0.1.1'],
  [`image.digest="${digest()}"`, 'Deployment', `${CONTAINER}.image`, `ghcr.io/careen-dev/careen:0.1.0@${digest()}`],
  ['image.pullPolicy="Always"', 'Deployment', `${CONTAINER}.imagePullPolicy`, 'Always'],
  ['imagePullSecrets=[{"name":"a"}]', 'Deployment', `${POD}.imagePullSecrets`, [{ name: 'a' }]],
  ['replicas=3', 'Deployment', 'spec.replicas', 3],
  ['resources.limits.memory="1Gi"', 'Deployment', `${CONTAINER}.resources.limits`, { memory: '1Gi' }],
  ['maxHeapMiB=640', 'Deployment', `${CONTAINER}.env.3.value`, '--max-old-space-size=640'],
  ['extraEnv=[{"name":"A","value":"b"}]', 'Deployment', `${CONTAINER}.env.4`, { name: 'A', value: 'b' }],
  ['nodeSelector={"a":"b"}', 'Deployment', `${POD}.nodeSelector`, { a: 'b' }],
  ['tolerations=[{"key":"a"}]', 'Deployment', `${POD}.tolerations`, [{ key: 'a' }]],
  ['affinity={"nodeAffinity":{"a":1}}', 'Deployment', `${POD}.affinity`, { nodeAffinity: { a: 1 } }],
  ['topologySpreadConstraints=[{"a":1}]', 'Deployment', `${POD}.topologySpreadConstraints`, [{ a: 1 }]],
  ['priorityClassName="high"', 'Deployment', `${POD}.priorityClassName`, 'high'],
  ['podLabels={"a":"b"}', 'Deployment', 'spec.template.metadata.labels.a', 'b'],
  ['podLabels={"app.kubernetes.io/name":"b"}', 'Deployment', 'spec.template.metadata.labels', expect.objectContaining(labels('careen'))],
  ['podAnnotations={"a":"b"}', 'Deployment', 'spec.template.metadata.annotations', { a: 'b' }],
  ['serviceAccount={"create":false,"name":"own"}', 'ServiceAccount', ABSENT],
  ['serviceAccount={"create":false,"name":"own"}', 'Deployment', `${POD}.serviceAccountName`, 'own'],
  ['serviceAccount.name="own"', 'ClusterRoleBinding', 'subjects.0.name', 'own'],
  ['serviceAccount.name="own"', 'RoleBinding', 'subjects.0.name', 'own'],
  ['serviceAccount.annotations={"a":"b"}', 'ServiceAccount', 'metadata.annotations', { a: 'b' }],
  ['hostNamespaces.careen-hosts.create=false', 'Namespace', ABSENT],
  ['hostNamespaces={"gpu":{"create":true},"careen-hosts":null}', 'Namespace', 'metadata.name', 'gpu'],
  ['hostNamespaces={"gpu":{},"careen-hosts":null}', 'RoleBinding', 'metadata.namespace', 'gpu'],
  ['pools.default.maxUnavailable="10%"', 'HostPool', 'spec', { provider: { kubernetes: {} }, maxUnavailable: '10%' }],
  ['pools={"default":null}', 'HostPool', ABSENT],
  ['networkPolicy.enabled=false', 'NetworkPolicy', ABSENT],
  ['networkPolicy.apiServerPorts=[8443]', 'NetworkPolicy', 'spec.egress.0.ports', [{ protocol: 'TCP', port: 8443 }]],
  ['podDisruptionBudget.enabled=false', 'PodDisruptionBudget', ABSENT],
  ['serviceMonitor={"enabled":true,"labels":{"a":"b"}}', 'ServiceMonitor', 'metadata.labels.a', 'b'],
  ['serviceMonitor={"enabled":true,"interval":"15s"}', 'ServiceMonitor', 'spec.endpoints.0.interval', '15s'],
  ['serviceMonitor={"enabled":true,"scrapeTimeout":"5s"}', 'ServiceMonitor', 'spec.endpoints.0.scrapeTimeout', '5s'],
  ['prometheusRule={"enabled":true,"labels":{"a":"b"}}', 'PrometheusRule', 'metadata.labels.a', 'b'],
  ['prometheusRule={"enabled":true,"alertLabels":{"a":"b"}}', 'PrometheusRule', 'spec.groups.0.rules.0.labels.a', 'b'],
];

function labels(name: string): Record<string, string> {
  return { 'app.kubernetes.io/name': name, 'app.kubernetes.io/component': 'operator' };
}

function digest(): string {
  return `sha256:${'a'.repeat(64)}`;
}

describe('the values', () => {
  it.each(effects)('%s: %s', async (value, kind, path, expected) => {
    const found = await renderedOfKind(kind, [value]);
    if (path === ABSENT) expect(found).toEqual([]);
    else expect(found.map((manifest) => fieldAt(manifest, path))).toContainEqual(expected);
  });

  it('roles.create=false: no roles for people', async () => {
    const names = (await renderedOfKind('ClusterRole', ['roles.create=false'])).map(
      ({ metadata }) => metadata.name,
    );
    expect(names.sort()).toEqual(['careen', 'careen-jobs']);
  });

  it('a further pool and namespace are added to those that are there', async () => {
    const values = [
      'hostNamespaces.gpu={"create":false}',
      'pools.gpu={"provider":{"kubernetes":{}},"maxUnavailable":1}',
    ];
    const all = await rendered(CHART, values);
    const names = (kind: string): string[] => all.filter((each) => each.kind === kind).map(keyOf);
    expect(names('HostPool')).toEqual(['HostPool default', 'HostPool gpu']);
    expect(names('RoleBinding')).toContain('RoleBinding gpu/careen-jobs');
    expect(names('Namespace')).toEqual(['Namespace careen-hosts']);
  });

  it('executePolicy names the role of this release', async () => {
    const [policy] = (await rendered(CHART, ['executePolicy.enabled=true'], 'ops')).filter(
      ({ kind }) => kind === 'ValidatingAdmissionPolicy',
    );
    expect(JSON.stringify(policy)).toContain('which the ClusterRole ops-careen-approver grants');
  });

  const refused: readonly [value: string, complaint: RegExp][] = [
    ['replicaCount=3', /additional properties 'replicaCount' not allowed/],
    ['image.registry="a"', /at '\/image': additional properties 'registry' not allowed/],
    ['image.tag="latest"', /at '\/image\/tag'/],
    ['replicas="3"', /at '\/replicas'/],
    [
      'pools.default.maxUnavalable=3',
      /at '\/pools\/default': additional properties 'maxUnavalable' not allowed/,
    ],
    ['pools.gpu={"maxUnavailable":3}', /at '\/pools\/gpu': missing property 'provider'/],
    [
      'hostNamespaces={"careen-system":{}}',
      /hostNamespaces\.careen-system: this is the namespace of the operator itself/,
    ],
    ['tolerations=[{"keys":"a"}]', /at '\/tolerations\/0'/],
    ['serviceMonitor.interval="soon"', /at '\/serviceMonitor\/interval'/],
    ['serviceAccount.create=false', /serviceAccount\.name: name the account that is there/],
  ];
  it.each(refused)('%s is refused', async (value, complaint) => {
    await expect(rendered(CHART, [value])).rejects.toThrow(complaint);
  });

  it('of careen-crds are none', async () => {
    await expect(rendered(CRDS_CHART, ['keep=false'])).rejects.toThrow(
      /additional properties 'keep' not allowed/,
    );
  });
});

describe('values.yaml', () => {
  it('explains each value in a comment above it', async () => {
    const lines = (await readFile(join(CHART, 'values.yaml'), 'utf8')).split('\n');
    const unexplained = lines.filter(
      (line, index) => /^ *[\w-]+:/.test(line) && !/^ *# ./.test(lines[index - 1] ?? ''),
    );
    expect(unexplained).toEqual([]);
  });

  it('has all that the schema knows', async () => {
    const values = load(await readFile(join(CHART, 'values.yaml'), 'utf8'));
    const schema = schemaNode.parse(JSON.parse(await readFile(join(CHART, 'values.schema.json'), 'utf8')));
    expect(missing(schema, values, '')).toEqual([]);
  });
});

type SchemaNode = { readonly properties?: Record<string, SchemaNode> | undefined };
const schemaNode: z.ZodType<SchemaNode> = z.lazy(() =>
  z.object({ properties: z.record(z.string(), schemaNode).optional() }),
);

/** Paths of values that the schema has and values.yaml does not; what is empty there is explained as a whole. */
function missing({ properties = {} }: SchemaNode, values: unknown, path: string): string[] {
  const known = z.record(z.string(), z.unknown()).safeParse(values).data ?? {};
  if (Object.keys(known).length === 0) return [];
  return Object.entries(properties).flatMap(([key, node]) =>
    key in known ? missing(node, known[key], `${path}${key}.`) : [`${path}${key}`],
  );
}
