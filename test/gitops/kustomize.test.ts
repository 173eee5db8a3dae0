/** What kustomize makes of the folders in deploy/ and of our kinds: every name that changes is followed. */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { dump } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../support/controlplane/apply.ts';
import { DEPLOY, NAME_REFERENCES } from '../support/controlplane/installation.ts';
import { fieldAt, keyOf } from '../support/controlplane/tools.ts';
import { kustomized } from './manifests.ts';

const EXAMPLE = join(DEPLOY, '..', 'examples', 'kustomize');
const CONTAINER = 'spec.template.spec.containers.0';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'careen-kustomize-'));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

/** The output for a folder with this kustomization and these objects. */
async function built(kustomization: object, ...objects: object[]): Promise<Manifest[]> {
  await writeFile(join(folder, 'objects.yaml'), objects.map((each) => dump(each)).join('---\n'));
  await writeFile(join(folder, 'kustomization.yaml'), dump(kustomization));
  return kustomized(folder);
}

const deployed = (name: string): string => relative(folder, join(DEPLOY, name));
const find = (all: readonly Manifest[], kind: string): Manifest | undefined =>
  all.find((each) => each.kind === kind);

describe('the base of the operator', () => {
  it('has no Namespace, no kind and no pool, so any namespace and prefix apply to all of it', async () => {
    const all = await built({
      ...{ namespace: 'patching', namePrefix: 'fleet-', nameSuffix: '-b', commonLabels: { team: 'fleet' } },
      ...{ resources: [deployed('base')], components: [deployed('optional/execute-policy')] },
    });
    const kinds = new Set(all.map(({ kind }) => kind));
    for (const kind of ['Namespace', 'CustomResourceDefinition', 'HostPool'])
      expect(kinds).not.toContain(kind);
    expect(all.filter(({ metadata: { name } }) => !/^fleet-careen.*-b$/.test(name)).map(keyOf)).toEqual([]);
    const account = { name: 'fleet-careen-b', namespace: 'patching' };
    for (const kind of ['ClusterRoleBinding', 'RoleBinding'])
      expect(find(all, kind), kind).toMatchObject({ subjects: [account] });
    expect(find(all, 'Deployment')).toMatchObject({
      spec: { template: { spec: { serviceAccountName: account.name } } },
    });
    expect(find(all, 'ValidatingAdmissionPolicyBinding')).toMatchObject({
      spec: { policyName: 'fleet-careen-execute-b' },
    });
  });

  it('and the other folders are the whole installation', async () => {
    const parts = ['crds', 'base', 'hosts', 'pools'].map(deployed);
    const all = (await built({ resources: parts })).map(keyOf);
    const whole = (await kustomized(DEPLOY)).filter(({ kind }) => kind !== 'Namespace').map(keyOf);
    expect(all.sort()).toEqual(whole.sort());
  });
});

describe('the option replies', () => {
  it('gives the operator of any name its address, its key and its port', async () => {
    const names = { namespace: 'patching', namePrefix: 'fleet-' };
    const parts = { resources: [deployed('base')], components: [deployed('optional/replies')] };
    const all = await built({ ...names, ...parts });
    const fromSecret = (name: string, key: string): object => ({
      ...{ name, valueFrom: { secretKeyRef: { name: 'careen-replies', key } } },
    });
    const operator = find(all, 'Deployment');
    expect(fieldAt(operator, `${CONTAINER}.env`)).toEqual(
      expect.arrayContaining([
        { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        fromSecret('CAREEN_REPLIES_URL', 'url'),
        fromSecret('CAREEN_REPLIES_KEY', 'key'),
      ]),
    );
    expect(fieldAt(operator, `${CONTAINER}.ports`)).toEqual(
      expect.arrayContaining([{ name: 'replies', containerPort: 8082 }]),
    );
    expect(all.map(keyOf)).toContain('Service patching/fleet-careen-replies');
  });
});

describe('the right to run Jobs, in a build without the base', () => {
  const binding = async (...patches: object[]): Promise<Manifest | undefined> => {
    const names = { namespace: 'patching-hosts', namePrefix: 'fleet-' };
    const patch = { target: { kind: 'RoleBinding', name: 'careen-jobs' }, patch: dump(patches) };
    return find(await built({ ...names, resources: [deployed('hosts')], patches: [patch] }), 'RoleBinding');
  };

  it('follows no prefix', async () => {
    expect(await binding({ op: 'test', path: '/roleRef/name', value: 'careen-jobs' })).toMatchObject({
      metadata: { name: 'fleet-careen-jobs', namespace: 'patching-hosts' },
      roleRef: { name: 'careen-jobs' },
      subjects: [{ name: 'careen', namespace: 'careen-system' }],
    });
  });

  it('names role and account as they are patched', async () => {
    const replace = (path: string, value: string): object => ({ op: 'replace', path, value });
    const patched = await binding(
      replace('/roleRef/name', 'fleet-careen-jobs'),
      replace('/subjects/0/name', 'fleet-careen'),
      replace('/subjects/0/namespace', 'patching'),
    );
    expect(patched).toMatchObject({
      roleRef: { name: 'fleet-careen-jobs' },
      subjects: [{ name: 'fleet-careen', namespace: 'patching' }],
    });
  });
});

describe('the names in strategies and pools', () => {
  const pod = {
    ...{ serviceAccountName: 'worker', priorityClassName: 'urgent' },
    imagePullSecrets: [{ name: 'keys' }, { name: 'elsewhere' }],
    volumes: [
      { name: 'c', configMap: { name: 'scripts' } },
      { name: 's', secret: { secretName: 'keys' } },
      { name: 'v', persistentVolumeClaim: { claimName: 'cache' } },
      {
        name: 'p',
        projected: { sources: [{ configMap: { name: 'scripts' } }, { secret: { name: 'keys' } }] },
      },
    ],
    ...Object.fromEntries(
      ['containers', 'initContainers'].map((kind) => [
        kind,
        [
          {
            ...{ name: 'work', image: 'tools' },
            envFrom: [{ configMapRef: { name: 'scripts' } }, { secretRef: { name: 'keys' } }],
            env: [
              { name: 'A', valueFrom: { configMapKeyRef: { name: 'scripts', key: 'a' } } },
              { name: 'B', valueFrom: { secretKeyRef: { name: 'keys', key: 'a' } } },
            ],
          },
        ],
      ]),
    ),
  };
  const job = { job: { template: { spec: pod } } };
  const api = { apiVersion: 'careen.dev/v1alpha1' };
  const pool = {
    actionPolicy: {
      ...{ serviceAccounts: ['worker', 'elsewhere'], secrets: ['keys'], priorityClasses: ['urgent'] },
    },
  };
  const strategy = { poolRef: 'gpu', patches: [{ id: 'p', action: job }], reboot: job };
  const role = { action: job, stage: job, rollback: job };
  const upgrade = {
    ...{ poolRef: 'gpu', hosts: { controller: role, storage: role, worker: role }, reboot: job },
    ...{ start: job, activate: job, complete: job },
  };
  const objects = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'worker' } },
    { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'cache' } },
    { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'urgent' }, value: 5 },
    { ...api, kind: 'HostPool', metadata: { name: 'gpu' }, spec: pool },
    { ...api, kind: 'PatchStrategy', metadata: { name: 'kernel' }, spec: strategy },
    { ...api, kind: 'UpgradeStrategy', metadata: { name: 'kubelet' }, spec: upgrade },
  ];

  it('follow prefix, suffix and the hashes of generators, in every place', async () => {
    await copyFile(join(DEPLOY, NAME_REFERENCES), join(folder, 'name-references.yaml'));
    const generated = (name: string): object[] => [{ name, literals: ['a=b'] }];
    const all = await built(
      {
        ...{ namespace: 'team', namePrefix: 'a-', nameSuffix: '-z', resources: ['objects.yaml'] },
        labels: [{ pairs: { team: 'fleet' }, includeTemplates: true }],
        ...{ configMapGenerator: generated('scripts'), secretGenerator: generated('keys') },
        configurations: ['name-references.yaml'],
      },
      ...objects,
    );
    const nameOf = (kind: string): string => find(all, kind)?.metadata.name ?? kind;
    expect(nameOf('ConfigMap')).toMatch(/^a-scripts-z-\w+$/);
    const follow: Readonly<Record<string, string>> = {
      ...{ scripts: nameOf('ConfigMap'), keys: nameOf('Secret'), worker: 'a-worker-z' },
      ...{ cache: 'a-cache-z', urgent: 'a-urgent-z', gpu: 'a-gpu-z' },
    };
    expect(find(all, 'HostPool')?.['spec']).toEqual(renamed(pool, follow));
    expect(find(all, 'PatchStrategy')?.['spec']).toEqual(renamed(strategy, follow));
    expect(find(all, 'UpgradeStrategy')?.['spec']).toEqual(renamed(upgrade, follow));
  });

  /** A copy in which the names of other objects are the new ones. */
  function renamed(value: object, names: Readonly<Record<string, string>>): unknown {
    return JSON.parse(
      JSON.stringify(value, (_key, each: unknown) =>
        typeof each === 'string' ? (names[each] ?? each) : each,
      ),
    );
  }
});

describe('the example', () => {
  it('installs operator, pools and strategies in namespaces of their own', async () => {
    const all = await kustomized(EXAMPLE);
    expect(all.filter(({ kind }) => kind === 'Namespace').map(keyOf)).toEqual([
      'Namespace patching',
      'Namespace patching-hosts',
    ]);
    const jobs = all.find(({ metadata: { name } }) => name === 'careen-jobs');
    expect(jobs).toMatchObject({
      metadata: { namespace: 'patching-hosts' },
      roleRef: { name: 'fleet-careen-jobs' },
      subjects: [{ name: 'fleet-careen', namespace: 'patching' }],
    });
    expect(find(all, 'HostPool')).toMatchObject({
      metadata: { name: 'default' },
      spec: { allowedNamespaces: ['patching-hosts'] },
    });
    const scripts = find(all, 'ConfigMap')?.metadata.name ?? expect.fail();
    expect(JSON.stringify(find(all, 'PatchStrategy'))).toContain(`"configMap":{"name":"${scripts}"}`);
  });

  it('has the name references of this version', async () => {
    const copy = join(EXAMPLE, 'strategies', 'name-references.yaml');
    expect(await readFile(copy, 'utf8')).toBe(await readFile(join(DEPLOY, NAME_REFERENCES), 'utf8'));
  });
});
