/** Compares the objects of the charts with the objects of deploy/. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OUR_KINDS } from '../../src/resources/served-kinds.ts';
import type { Manifest } from '../support/controlplane/apply.ts';
import { DEPLOY } from '../support/controlplane/installation.ts';
import {
  CHART,
  CRDS_CHART,
  fieldAt,
  keyOf,
  kustomized,
  rendered,
  renderedOfKind,
  run,
} from '../support/controlplane/tools.ts';

/** The names that every API server accepts for a Service, and for most other objects. */
const SERVICE = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const serviceNames = (all: readonly Manifest[]): string[] =>
  all.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name);
const ALL = [
  ...['executePolicy', 'nodePolicy', 'serviceMonitor', 'prometheusRule'].map(
    (part) => `${part}.enabled=true`,
  ),
  'etcd.secretNames=["careen-etcd"]',
  'openstack.secretNames=["careen-openstack"]',
];

describe('the charts', () => {
  it.each([CHART, CRDS_CHART])('pass helm lint --strict: %s', async (chart) => {
    expect(await run('helm', ['lint', '--strict', chart])).toContain('0 chart(s) failed');
  });

  it('make the same objects as deploy/ with their default values', async () => {
    const charts = [...(await rendered(CRDS_CHART)), ...(await rendered(CHART))];
    expect(comparable(charts)).toEqual(comparable(await kustomized(DEPLOY), 'Namespace careen-system'));
  });

  it.each([
    ['execute-policy', 'executePolicy.enabled=true'],
    ['node-policy', 'nodePolicy.enabled=true'],
    ['etcd', 'etcd.secretNames=["careen-etcd"]'],
    ['openstack', 'openstack.secretNames=["careen-openstack"]'],
    ['replies', 'replies={"url":"https://careen.example.com","secretName":"careen-replies"}'],
  ])('make the same objects as deploy/optional/%s with %s', async (folder, value) => {
    const plain = comparable(await rendered(CHART));
    const more = comparable(await rendered(CHART, [value]));
    const added = Object.entries(more).filter(([key]) => !(key in plain));
    const policy = comparable(await kustomized(join(DEPLOY, 'optional', folder)));
    const contents = ([key, { metadata: _metadata, ...rest }]: [string, Manifest]) => [key, rest];
    expect(added.map(contents)).toEqual(Object.entries(policy).map(contents));
  });
});

/** The fields that only Helm needs: the owner of an object, and whether an uninstall keeps the object. */
const HELMS_OWN = [
  'helm.sh/chart',
  'helm.sh/resource-policy',
  'app.kubernetes.io/managed-by',
  'app.kubernetes.io/instance',
];

/**
 * Manifests by kind and name, without Helm's own fields. `leftOut` is for the
 * namespace of the release: a release cannot make its own namespace.
 */
function comparable(manifests: readonly Manifest[], leftOut?: string): Record<string, Manifest> {
  const byKey = manifests.map((manifest): [string, Manifest] => [keyOf(manifest), withoutHelm(manifest)]);
  return Object.fromEntries(byKey.filter(([key]) => key !== leftOut).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function withoutHelm(manifest: Manifest): Manifest {
  const text = JSON.stringify(manifest, (key, value: unknown) => {
    if (HELMS_OWN.includes(key)) return undefined;
    const kept = key === 'annotations' && value !== null && typeof value === 'object' && Object.keys(value);
    return kept && kept.every((name) => HELMS_OWN.includes(name)) ? undefined : value;
  });
  return JSON.parse(text) as Manifest; // a manifest, less some of its labels and annotations
}

describe('the objects', () => {
  it('outside of namespaces have the name of the release', async () => {
    const namespaced = (await rendered(CHART, ALL, 'ops')).filter(({ metadata }) => metadata.namespace);
    expect(namespaced.length).toBeGreaterThan(0);
    const wide = (await rendered(CHART, ALL, 'ops')).filter(({ metadata }) => !metadata.namespace);
    const ours = wide.filter(({ kind }) => !['Namespace', 'HostPool'].includes(kind));
    expect(
      ours.map(({ metadata }) => metadata.name).filter((name) => !/^ops-careen(-|$)/.test(name)),
    ).toEqual([]);
  });

  it.each([
    ['careen', 'careen-metrics'],
    ['2026', 'careen-2026-careen-metrics'],
    ['v1.careen', 'v1-careen-metrics'],
    ['1.2', 'careen-1-2-careen-metrics'],
    [`${'a'.repeat(39)}.careen`, `${'a'.repeat(39)}-metrics`],
    [`${'a'.repeat(32)}.b`, `${'a'.repeat(32)}-careen-metrics`],
    [`${'2'.repeat(30)}--b`, `careen-${'2'.repeat(30)}--b-careen-metrics`],
    [`${'2'.repeat(31)}--b`, `careen-${'2'.repeat(31)}-careen-metrics`],
  ])('have names that the API server accepts in the release %s', async (release, service) => {
    const all = await rendered(CHART, ALL, release);
    const names = all.map(({ metadata: { name } }) => name);
    expect(names.filter((name) => name.length > 63 || !SUBDOMAIN.test(name))).toEqual([]);
    expect(serviceNames(all)).toEqual([service]);
    expect(service).toMatch(SERVICE);
  });

  it.each(['2026', '1e5', 'fleet', '2'.repeat(40)])(
    'have names that the API server accepts with fullnameOverride %s',
    async (name) => {
      const [service = ''] = serviceNames(await rendered(CHART, [`fullnameOverride="${name}"`], '1.2'));
      expect(service).toMatch(SERVICE);
      expect(service).toContain(`${name}-metrics`);
      expect(service.length).toBeLessThan(64);
    },
  );

  it('stay after an uninstall if people would lose their data, and only then', async () => {
    const all = [...(await rendered(CRDS_CHART)), ...(await rendered(CHART, ALL))];
    const kept = all.filter(({ metadata }) =>
      JSON.stringify(metadata).includes('"helm.sh/resource-policy":"keep"'),
    );
    expect(kept.map(keyOf).sort()).toEqual([
      ...OUR_KINDS.map(({ plural }) => `CustomResourceDefinition ${plural}.careen.dev`).sort(),
      'HostPool default',
      'Namespace careen-hosts',
    ]);
  });

  it('select by labels that no upgrade changes', async () => {
    const [deployment] = await renderedOfKind('Deployment');
    expect(deployment).toHaveProperty('spec.selector.matchLabels', {
      'app.kubernetes.io/name': 'careen',
      'app.kubernetes.io/component': 'operator',
    });
  });

  it.each([
    { values: [], release: 'careen' },
    { values: ['nameOverride="fleet"'], release: 'careen' },
    { values: ['podLabels={"app.kubernetes.io/component":"mine"}'], release: 'ops' },
  ])('select the pods of the operator, whatever the values: $values', async ({ values, release }) => {
    const all = await rendered(CHART, [...ALL, ...values], release);
    const one = (kind: string): Manifest | undefined => all.find((each) => each.kind === kind);
    const pod = fieldAt(one('Deployment'), 'spec.template.metadata.labels');
    const selectors = [
      ['Deployment', 'spec.selector.matchLabels'],
      ['Deployment', `spec.template.spec.${AFFINITY}.labelSelector.matchLabels`],
      ['Deployment', 'spec.template.spec.topologySpreadConstraints.0.labelSelector.matchLabels'],
      ['NetworkPolicy', 'spec.podSelector.matchLabels'],
      ['PodDisruptionBudget', 'spec.selector.matchLabels'],
      ['Service', 'spec.selector'],
    ] as const;
    for (const [kind, path] of selectors) {
      const selector = fieldAt(one(kind), path);
      expect(selector, `${kind}: ${path}`).toMatchObject({ 'app.kubernetes.io/component': 'operator' });
      expect(pod, `${kind}: ${path}`).toMatchObject(selector as object);
    }
    const monitored = fieldAt(one('ServiceMonitor'), 'spec.selector.matchLabels');
    expect(monitored).toHaveProperty(['app.kubernetes.io/instance'], release);
    expect(one('Service')?.metadata['labels']).toMatchObject(monitored as object);
    const port = fieldAt(one('Service'), 'spec.ports.0');
    expect(port).toMatchObject({ name: fieldAt(one('ServiceMonitor'), 'spec.endpoints.0.port') });
    const ports = fieldAt(one('Deployment'), 'spec.template.spec.containers.0.ports.0');
    expect(ports).toMatchObject({ name: fieldAt(port, 'targetPort'), containerPort: 8080 });
  });
});

describe('names that YAML could read as something else', () => {
  const names = ['2026', '1234567', '12345e7', '1e5', '0x1f', '0777', 'true', 'no', 'null'];

  it.each(names)('stay names in every place: %s', async (name) => {
    const set = (value: unknown): string => JSON.stringify(value);
    const pool = { provider: { kubernetes: { nodeSelector: { a: name } } }, maxUnavailable: 1 };
    const values = [
      ...ALL,
      ...['fullnameOverride', 'nameOverride', 'priorityClassName'].map((key) => `${key}=${set(name)}`),
      ...['nodeSelector', 'podLabels', 'podAnnotations'].map((key) => `${key}.a=${set(name)}`),
      ...['serviceMonitor', 'prometheusRule'].map((key) => `${key}.labels.a=${set(name)}`),
      ...[`image.tag=${set(name)}`, `imagePullSecrets=${set([{ name }])}`],
      ...[`serviceAccount.name=${set(name)}`, `serviceAccount.annotations.a=${set(name)}`],
      `tolerations=${set([{ key: name, value: name }])}`,
      `extraEnv=${set([{ name: 'A', value: name }])}`,
      `prometheusRule.alertLabels.a=${set(name)}`,
      `pools=${set({ [name]: pool })}`,
      `hostNamespaces=${set({ [`${name}1`]: { create: true } })}`,
    ];
    const settings = values.flatMap((value) => ['--set-json', value]);
    for (const [chart, args] of [[CHART, settings] as const, [CRDS_CHART, []] as const]) {
      const usual = new Set(await linesOf(chart, 'careen'));
      const bare = (await linesOf(chart, name, ...args)).filter((line) => isBare(line, name));
      expect(bare.filter((line) => !usual.has(line))).toEqual([]);
    }
  });

  async function linesOf(chart: string, name: string, ...args: string[]): Promise<readonly string[]> {
    return (await run('helm', ['template', name, chart, '--namespace', name, ...args])).split('\n');
  }

  /** Whether the value in a line is this name, or the namespace made of it, without quotes. */
  function isBare(line: string, name: string): boolean {
    return [name, `${name}1`].some((each) => /^\s*(- )?[\w./-]+: /.test(line) && line.endsWith(`: ${each}`));
  }

  it('stay names in the objects', async () => {
    const all = await rendered(CHART, ['serviceAccount.name="1e5"', 'fullnameOverride="2026"'], '2026');
    const binding = all.find(({ kind }) => kind === 'ClusterRoleBinding');
    expect(binding).toMatchObject({ metadata: { name: '2026' }, subjects: [{ name: '1e5' }] });
  });
});

/** How many kinds the chart careen-crds has. */
const KINDS = OUR_KINDS.length;

describe('a chart with Careen as a dependency', () => {
  it('may switch it off by a condition', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'careen-parent-'));
    try {
      const dependency = (name: string): object => ({ name, version: '0.1.0', condition: `${name}.enabled` });
      const dependencies = [dependency('careen'), dependency('careen-crds')];
      const chart = { apiVersion: 'v2', name: 'parent', version: '0.1.0', dependencies };
      await writeFile(join(folder, 'Chart.yaml'), JSON.stringify(chart));
      for (const each of [CHART, CRDS_CHART])
        await cp(each, join(folder, 'charts', basename(each)), { recursive: true });
      const made = async (...values: string[]): Promise<number> => (await rendered(folder, values)).length;
      const all = await made('careen.enabled=true', 'careen-crds.enabled=true', 'global.a=1');
      expect(await made('careen.enabled=false')).toBe(KINDS);
      expect(await made('careen-crds.enabled=false')).toBe(all - KINDS);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

const AFFINITY = 'affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution.0.podAffinityTerm';
