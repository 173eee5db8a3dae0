/** Each value of the chart does what it says. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { OPERATOR_NAMESPACE } from '../../src/crds/names.ts';
import { VERSION } from '../../src/crds/version.ts';
import { CHART, fieldAt, keyOf, rendered, renderedOfKind, ROOT, run } from '../support/controlplane/tools.ts';

const POD = 'spec.template.spec';
const CONTAINER = `${POD}.containers.0`;
const ABSENT = Symbol('no such object');

/** A value, the kind that it changes, the path in the kind, and the result. */
// prettier-ignore
const effects: readonly [value: string, kind: string, path: string | typeof ABSENT, expected?: unknown][] = [
  ['fullnameOverride="fleet"', 'Deployment', 'metadata.name', 'fleet'],
  ['nameOverride="fleet"', 'Deployment', 'spec.selector.matchLabels', labels('fleet')],
  ['nameOverride="fleet"', 'Service', 'spec.selector', labels('fleet')],
  ['nameOverride="fleet"', 'PodDisruptionBudget', 'spec.selector.matchLabels', labels('fleet')],
  ['nameOverride="fleet"', 'NetworkPolicy', 'spec.podSelector.matchLabels', labels('fleet')],
  ['image.repository="r.example/c"', 'Deployment', `${CONTAINER}.image`, `r.example/c:${VERSION}`],
  ['image.tag="0.1.1"', 'Deployment', `${CONTAINER}.image`, 'ghcr.io/careen-dev/careen:0.1.1'],
  [`image.digest="${digest()}"`, 'Deployment', `${CONTAINER}.image`, `ghcr.io/careen-dev/careen:${VERSION}@${digest()}`],
  [`image={"tag":"0.1.1","digest":"${digest()}"}`, 'Deployment', `${CONTAINER}.image`, `ghcr.io/careen-dev/careen:0.1.1@${digest()}`],
  ['image.pullPolicy="Always"', 'Deployment', `${CONTAINER}.imagePullPolicy`, 'Always'],
  ['imagePullSecrets=[{"name":"a"}]', 'Deployment', `${POD}.imagePullSecrets`, [{ name: 'a' }]],
  ['replicas=3', 'Deployment', 'spec.replicas', 3],
  ['resources.limits=null', 'Deployment', `${CONTAINER}.resources`, { requests: { cpu: '50m', memory: '128Mi' } }],
  ['resources.limits.memory="1Gi"', 'Deployment', `${CONTAINER}.resources.limits`, { memory: '1Gi' }],
  ['maxHeapMiB=640', 'Deployment', `${CONTAINER}.env.3.value`, '--max-old-space-size=640 --max-semi-space-size=4'],
  ['extraEnv=[{"name":"A","value":"b"}]', 'Deployment', `${CONTAINER}.env.5`, { name: 'A', value: 'b' }],
  ['extraEnv=[{"name":"A","value":"b"},{"name":"B","value":"c"}]', 'Deployment', `${CONTAINER}.env.6`, { name: 'B', value: 'c' }],
  ['nodeSelector={"a":"b"}', 'Deployment', `${POD}.nodeSelector`, { a: 'b' }],
  ['tolerations=[{"key":"a"}]', 'Deployment', `${POD}.tolerations`, [{ key: 'a' }]],
  ['affinity={"nodeAffinity":{"a":1}}', 'Deployment', `${POD}.affinity`, { nodeAffinity: { a: 1 } }],
  ['topologySpreadConstraints=[{"a":1}]', 'Deployment', `${POD}.topologySpreadConstraints`, [{ a: 1 }]],
  ['replies={"url":"https://careen.example.com","secretName":"replies"}', 'Deployment', `${CONTAINER}.env`, expect.arrayContaining([{ name: 'CAREEN_REPLIES_URL', value: 'https://careen.example.com' }])],
  ['workflows.configMap="own"', 'Deployment', `${POD}.volumes`, expect.arrayContaining([{ name: 'workflows', configMap: { name: 'own' } }])],
  ['workflows.configMap="own"', 'Deployment', `${POD}.containers.0.env`, expect.arrayContaining([{ name: 'CAREEN_WORKFLOWS', value: '/etc/careen/workflows' }])],
  ['priorityClassName="high"', 'Deployment', `${POD}.priorityClassName`, 'high'],
  ['podLabels={"a":"b"}', 'Deployment', 'spec.template.metadata.labels.a', 'b'],
  ['podLabels={"app.kubernetes.io/name":"b"}', 'Deployment', 'spec.template.metadata.labels', expect.objectContaining(labels('careen'))],
  ['podAnnotations={"a":"b"}', 'Deployment', 'spec.template.metadata.annotations', { a: 'b' }],
  ['serviceAccount={"create":false,"name":"own"}', 'ServiceAccount', ABSENT],
  ['serviceAccount={"create":false,"name":"own"}', 'Deployment', `${POD}.serviceAccountName`, 'own'],
  ['serviceAccount={"create":false,"name":"own"}', 'ClusterRoleBinding', 'subjects.0.name', 'own'],
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
  ['etcd.secretNames=["a"]', 'Role', 'rules.0.resourceNames', ['a']],
  ['etcd={"secretNames":["a"],"ports":[12379]}', 'NetworkPolicy', 'spec.egress.0.ports', [{ protocol: 'TCP', port: 12379 }]],
  ['openstack.secretNames=["a"]', 'Role', 'rules.0.resourceNames', ['a']],
  ['openstack={"secretNames":["a"],"ports":[13774]}', 'NetworkPolicy', 'spec.egress.0.ports', [{ protocol: 'TCP', port: 13774 }]],
  ['networkPolicy.metricsFrom=[{"ipBlock":{"cidr":"10.0.0.0/8"}}]', 'NetworkPolicy', 'spec.ingress.0.from', [{ ipBlock: { cidr: '10.0.0.0/8' } }]],
  ['networkPolicy.metricsFrom=[]', 'NetworkPolicy', 'spec.ingress', []],
  ['roles.aggregateEditor=true', 'ClusterRole', 'metadata.labels', expect.objectContaining({ 'rbac.authorization.k8s.io/aggregate-to-edit': 'true' })],
  ['podDisruptionBudget.enabled=false', 'PodDisruptionBudget', ABSENT],
  ['serviceMonitor={"enabled":true,"labels":{"a":"b"}}', 'ServiceMonitor', 'metadata.labels.a', 'b'],
  ['serviceMonitor={"enabled":true,"interval":"15s"}', 'ServiceMonitor', 'spec.endpoints.0.interval', '15s'],
  ['serviceMonitor={"enabled":true,"scrapeTimeout":"5s"}', 'ServiceMonitor', 'spec.endpoints.0.scrapeTimeout', '5s'],
  ['prometheusRule={"enabled":true,"labels":{"a":"b"}}', 'PrometheusRule', 'metadata.labels.a', 'b'],
  ['prometheusRule={"enabled":true,"alertLabels":{"a":"b"}}', 'PrometheusRule', 'spec.groups.0.rules.0.labels', { a: 'b', severity: 'critical' }],
  ['prometheusRule={"enabled":true,"alertLabels":{"severity":"page"}}', 'PrometheusRule', 'spec.groups.0.rules.1.labels', { severity: 'page' }],
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
    expect(names.sort()).toEqual(['careen', 'careen-jobs', 'careen-tenant']);
  });

  it('a further pool and namespace are added to the existing ones', async () => {
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

  it('nodePolicy names the account of this release, and only that', async () => {
    const values = ['nodePolicy.enabled=true', 'serviceAccount.name="own"'];
    const all = await rendered(CHART, values, 'ops');
    const policy = all.find(({ kind }) => kind === 'ValidatingAdmissionPolicy');
    const [condition] = JSON.stringify(policy).match(/system:serviceaccount:[^']*/g) ?? [];
    const deployment = all.find(({ kind }) => kind === 'Deployment');
    expect(condition).toBe(`system:serviceaccount:${OPERATOR_NAMESPACE}:own`);
    expect(fieldAt(deployment, `${POD}.serviceAccountName`)).toBe('own');
  });

  it('executePolicy names the role of this release', async () => {
    const [policy] = (await rendered(CHART, ['executePolicy.enabled=true'], 'ops')).filter(
      ({ kind }) => kind === 'ValidatingAdmissionPolicy',
    );
    expect(JSON.stringify(policy)).toContain(
      'which the ClusterRole whose name contains ops-careen-approver grants',
    );
  });
});

describe('the notes of helm after an installation', () => {
  it.each([
    ['hostNamespaces.gpu={"create":true}', 'Create strategies in careen-hosts or gpu.'],
    ['hostNamespaces.careen-hosts=null', 'Strategies cannot run yet'],
  ])('%s: %s', async (value, said) => {
    const dryRun = ['install', 'careen', CHART, '--dry-run=client', '--namespace', OPERATOR_NAMESPACE];
    expect(await run('helm', [...dryRun, '--set-json', value])).toContain(said);
  });
});

describe('the guide', () => {
  it('has an example of values that the chart accepts', async () => {
    const guide = await readFile(join(ROOT, 'docs', 'guides', 'install.md'), 'utf8');
    const [, example = ''] = /^```yaml\n(image:.*?)^```$/ms.exec(guide) ?? [];
    const values = z.record(z.string(), z.unknown()).parse(load(example));
    const set = Object.entries(values).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    const made = (await rendered(CHART, set)).map(keyOf);
    expect(made).toEqual(expect.arrayContaining(['HostPool gpu', 'RoleBinding gpu-team/careen-jobs']));
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

  it('has every value of the schema', async () => {
    const values = load(await readFile(join(CHART, 'values.yaml'), 'utf8'));
    const schema = schemaNode.parse(JSON.parse(await readFile(join(CHART, 'values.schema.json'), 'utf8')));
    expect(missing(schema, values, '')).toEqual([]);
  });
});

type SchemaNode = { readonly properties?: Record<string, SchemaNode> | undefined };
const schemaNode: z.ZodType<SchemaNode> = z.lazy(() =>
  z.object({ properties: z.record(z.string(), schemaNode).optional() }),
);

/** Paths of values that the schema has and values.yaml lacks. A value that is empty there is explained as a whole. */
function missing({ properties = {} }: SchemaNode, values: unknown, path: string): string[] {
  const known = z.record(z.string(), z.unknown()).safeParse(values).data ?? {};
  if (Object.keys(known).length === 0) return [];
  return Object.entries(properties).flatMap(([key, node]) =>
    key in known ? missing(node, known[key], `${path}${key}.`) : [`${path}${key}`],
  );
}
