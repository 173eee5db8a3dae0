/** Compares the objects of the charts with the objects of deploy/. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
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

const POLICY = join(DEPLOY, 'optional', 'execute-policy');
const ALL = ['executePolicy.enabled=true', 'serviceMonitor.enabled=true', 'prometheusRule.enabled=true'];

describe('the charts', () => {
  it.each([CHART, CRDS_CHART])('pass helm lint --strict: %s', async (chart) => {
    expect(await run('helm', ['lint', '--strict', chart])).toContain('0 chart(s) failed');
  });

  it('make the same objects as deploy/ with their default values', async () => {
    const charts = [...(await rendered(CRDS_CHART)), ...(await rendered(CHART))];
    expect(comparable(charts)).toEqual(comparable(await kustomized(DEPLOY), 'Namespace careen-system'));
  });

  it('make the same objects as deploy/optional/execute-policy with executePolicy', async () => {
    const plain = comparable(await rendered(CHART));
    const more = comparable(await rendered(CHART, ['executePolicy.enabled=true']));
    const added = Object.entries(more).filter(([key]) => !(key in plain));
    const policy = comparable(await kustomized(POLICY));
    expect(added.map(([key, { spec }]) => [key, spec])).toEqual(
      Object.entries(policy).map(([key, { spec }]) => [key, spec]),
    );
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

  it('stay after an uninstall if people would lose their data, and only then', async () => {
    const all = [...(await rendered(CRDS_CHART)), ...(await rendered(CHART, ALL))];
    const kept = all.filter(({ metadata }) =>
      JSON.stringify(metadata).includes('"helm.sh/resource-policy":"keep"'),
    );
    expect(kept.map(keyOf).sort()).toEqual([
      'CustomResourceDefinition hostpools.careen.dev',
      'CustomResourceDefinition patchstrategies.careen.dev',
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

const AFFINITY = 'affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution.0.podAffinityTerm';
