/** The examples for Argo CD: they are well formed, their waves are in order, and an API server accepts them. */
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readFile } from 'node:fs/promises';
import {
  AdmissionError,
  apply,
  applyAs,
  read,
  readManifests,
  type Manifest,
} from '../support/controlplane/apply.ts';
import { connect, startControlPlane, type ControlPlane } from '../support/controlplane/controlplane.ts';
import { DEPLOY } from '../support/controlplane/installation.ts';
import { health } from '../support/controlplane/judge.ts';
import { installCareen } from '../support/operator/operator.ts';
import { STRATEGY_KIND_NAMES } from '../../src/crds/strategy-kinds.ts';
import { kustomized, manifestsIn } from './manifests.ts';
import { applySettings } from './settings.ts';

const ROOT = join(DEPLOY, '..');
const ARGOCD = join(ROOT, 'examples', 'argocd');
const WAVE = 'argocd.argoproj.io/sync-wave';

// Strict: an unknown field would have no effect in Argo CD.
const applicationSpec = z.strictObject({
  project: z.string(),
  source: z.strictObject({
    repoURL: z.url(),
    targetRevision: z.string(),
    path: z.string(),
    kustomize: z.strictObject({ commonAnnotations: z.record(z.string(), z.string()) }).optional(),
  }),
  destination: z.strictObject({ server: z.string(), namespace: z.string().optional() }),
  syncPolicy: z.strictObject({
    automated: z.strictObject({ prune: z.literal(true), selfHeal: z.literal(true) }).optional(),
    retry: z.strictObject({ limit: z.literal(0) }).optional(),
    syncOptions: z.array(z.enum(['ServerSideApply=true', 'PrunePropagationPolicy=background'])).optional(),
  }),
});
const metadata = z.strictObject({
  name: z.string(),
  namespace: z.literal('argocd'),
  annotations: z.record(z.string(), z.string()).default({}),
  finalizers: z.array(z.literal('resources-finalizer.argocd.argoproj.io/background')).default([]),
});
const application = z.strictObject({
  apiVersion: z.literal('argoproj.io/v1alpha1'),
  kind: z.literal('Application'),
  metadata,
  spec: applicationSpec,
});
type Application = z.infer<typeof application>;

const step = z.strictObject({
  matchExpressions: z.array(
    z.strictObject({ key: z.string(), operator: z.literal('In'), values: z.array(z.string()) }),
  ),
  maxUpdate: z.int().optional(),
});
const applicationSet = z.strictObject({
  apiVersion: z.literal('argoproj.io/v1alpha1'),
  kind: z.literal('ApplicationSet'),
  metadata: z.strictObject({ name: z.string(), namespace: z.literal('argocd') }),
  spec: z.strictObject({
    goTemplate: z.literal(true),
    goTemplateOptions: z.array(z.string()),
    generators: z.tuple([
      z.strictObject({
        clusters: z.strictObject({
          selector: z.strictObject({
            matchExpressions: z.array(z.strictObject({ key: z.string(), operator: z.literal('Exists') })),
          }),
          values: z.record(z.string(), z.string()),
        }),
      }),
    ]),
    strategy: z.strictObject({
      type: z.literal('RollingSync'),
      rollingSync: z.strictObject({ steps: z.array(step) }),
    }),
    template: z.strictObject({
      metadata: metadata
        .omit({ namespace: true })
        .extend({ labels: z.record(z.string(), z.string()), finalizers: metadata.shape.finalizers }),
      spec: applicationSpec,
    }),
  }),
});

async function parsed<T>(schema: z.ZodType<T>, ...path: string[]): Promise<T> {
  return schema.parse(load(await readFile(join(ARGOCD, ...path), 'utf8')));
}

/** The Applications that the root Application makes, in the order of their waves. */
async function applications(): Promise<Application[]> {
  const files = globSync('*.yaml', { cwd: join(ARGOCD, 'apps') }).sort();
  return Promise.all(files.map(async (file) => parsed(application, 'apps', file)));
}

describe('the app of apps', () => {
  it('makes the kinds, the operator, the pools and the strategy of each pool, one wave each', async () => {
    const root = await parsed(application, 'root.yaml');
    expect(root.spec.source.path).toBe('examples/argocd/apps');
    expect(root.spec.syncPolicy.retry).toEqual({ limit: 0 });
    const apps = await applications();
    expect(apps.map(({ metadata: { name, annotations } }) => `${annotations[WAVE] ?? ''} ${name}`)).toEqual([
      '0 careen-crds',
      '1 careen',
      '2 careen-pools',
      '3 careen-canary',
      '4 careen-workers',
    ]);
    const kinds = async ({ spec }: Application): Promise<string[]> => {
      const manifests = await manifestsIn(join(ROOT, spec.source.path));
      return [...new Set(manifests.map(({ kind }) => kind))];
    };
    const [crds = [], operator = [], ...others] = await Promise.all(apps.map(kinds));
    expect(crds).toEqual(['CustomResourceDefinition']);
    expect(operator).toContain('Deployment');
    for (const kind of ['CustomResourceDefinition', 'HostPool', ...STRATEGY_KIND_NAMES])
      expect(operator).not.toContain(kind);
    expect(others).toEqual([['HostPool'], ['PatchStrategy'], ['PatchStrategy']]);
  });

  it('pins every child, so that a commit reaches them wave by wave', async () => {
    for (const { metadata, spec } of await applications())
      expect(spec.source.targetRevision, metadata.name).toMatch(/^v\d+\.\d+\.\d+$/);
  });

  it('installs the same objects as deploy/, except kinds and pools', async () => {
    const named = ({ kind, metadata: { name } }: Manifest): string => `${kind} ${name}`;
    const whole = (await kustomized(DEPLOY)).filter(
      ({ kind }) => kind !== 'CustomResourceDefinition' && kind !== 'HostPool',
    );
    expect((await kustomized(join(ARGOCD, 'operator'))).map(named)).toEqual(whole.map(named));
  });

  it('never deletes the kinds, because that would delete every strategy', async () => {
    const [crds, ...others] = await applications();
    expect(crds?.metadata.finalizers).toEqual([]);
    expect(crds?.spec.source.kustomize?.commonAnnotations).toEqual({
      'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false',
    });
    for (const { metadata: each } of others) expect(each.finalizers).toHaveLength(1);
  });

  it('uses the health of a child only after the child is synced', async () => {
    const child = (words: string, sync: string): unknown => ({
      status: { health: { status: words }, sync: { status: sync } },
    });
    expect(
      await healthOfChildren([
        {},
        child('Healthy', 'OutOfSync'),
        child('Healthy', 'Synced'),
        child('Suspended', 'Synced'),
        child('Degraded', 'Synced'),
        child('Degraded', 'OutOfSync'),
      ]),
    ).toEqual(['Progressing', 'Progressing', 'Healthy', 'Suspended', 'Degraded', 'Progressing']);
  });

  it('does not use the health of the last version of a child for the new version', async () => {
    const child = (words: string, compared: string, path = 'a'): object => ({
      spec: { source: { targetRevision: 'v2', path: 'a' } },
      status: {
        health: { status: words },
        sync: { status: 'Synced', comparedTo: { source: { targetRevision: compared, path } } },
      },
    });
    expect(
      await healthOfChildren([
        child('Healthy', 'v1'),
        child('Degraded', 'v1'),
        child('Healthy', 'v2', 'b'),
        child('Healthy', 'v2'),
        { ...child('Healthy', 'v2'), spec: { sourceHydrator: {} } },
      ]),
    ).toEqual(['Progressing', 'Progressing', 'Progressing', 'Healthy', 'Healthy']);
  });
});

/** The health that the root Application sees for its children. */
async function healthOfChildren(children: readonly unknown[]): Promise<string[]> {
  const [configMap] = await readManifests(join(ARGOCD, 'argocd-cm.yaml'));
  const { data } = z.looseObject({ data: z.record(z.string(), z.string()) }).parse(configMap);
  const script = data['resource.customizations.health.argoproj.io_Application'] ?? '';
  return (await health(script, children)).map(({ status }) => status);
}

it('the ApplicationSet syncs wave after wave, by the label of its clusters', async () => {
  const { spec } = await parsed(applicationSet, 'applicationset.yaml');
  const [{ clusters }] = spec.generators;
  const [{ key } = { key: '' }] = clusters.selector.matchExpressions;
  expect(key).toBe('careen.dev/wave');
  expect(clusters.values).toEqual({ wave: `{{ index .metadata.labels "${key}" }}` });
  expect(spec.template.metadata.labels).toEqual({ [key]: '{{ .values.wave }}' });
  const { steps } = spec.strategy.rollingSync;
  expect(steps.map(({ matchExpressions }) => matchExpressions)).toEqual([
    [{ key, operator: 'In', values: ['1'] }],
    [{ key, operator: 'In', values: ['2'] }],
  ]);
  expect(existsSync(join(ROOT, spec.template.spec.source.path))).toBe(true);
});

describe('an API server with our kinds', () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await startControlPlane();
    await installCareen(connect(plane.kubeconfig));
  });
  afterAll(async () => plane.stop());

  it('accepts every manifest of every wave', async () => {
    for (const { spec } of await applications()) {
      for (const manifest of await manifestsIn(join(ROOT, spec.source.path)))
        await applyAs(connect(plane.kubeconfig), 'argocd-controller', manifest, { dryRun: true });
    }
  });

  it('accepts what kustomize makes, in its own namespaces', async () => {
    const admin = connect(plane.kubeconfig);
    for (const manifest of await kustomized(join(ROOT, 'examples', 'kustomize')))
      await applyAs(admin, 'kubectl', manifest, { dryRun: manifest.kind !== 'Namespace' });
  });

  it('keeps what others have in the ConfigMap of Argo CD when its settings are applied', async () => {
    const admin = connect(plane.kubeconfig);
    const labels = { 'app.kubernetes.io/part-of': 'argocd' };
    const configMap: Manifest = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-cm', namespace: 'argocd', labels },
      data: { url: 'https://argocd.example.com' },
    };
    const namespace: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } };
    await apply(admin, namespace, configMap);
    await applySettings(admin);
    const seen = z
      .looseObject({ metadata: z.looseObject({ labels: z.unknown() }), data: z.looseObject({}) })
      .parse(await read(admin, configMap));
    expect(seen.metadata.labels).toEqual(labels);
    const ours = ['careen.dev_HostPool', ...STRATEGY_KIND_NAMES.map((kind) => `careen.dev_${kind}`)];
    const kinds = ['argoproj.io_Application', ...ours];
    const health = kinds.map((kind) => `resource.customizations.health.${kind}`);
    expect(Object.keys(seen.data).toSorted()).toEqual([...health, 'url'].sort());
  });

  it('refuses a manifest with an unknown field', async () => {
    const [strategy] = await manifestsIn(join(ARGOCD, 'strategies', 'canary'));
    if (!strategy) throw new Error('there is no strategy for the canary');
    const wrong = { ...strategy, speck: {} };
    const applied = applyAs(connect(plane.kubeconfig), 'argocd-controller', wrong, { dryRun: true });
    await expect(applied).rejects.toThrow(AdmissionError);
  });
});
