import { globSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  CoreV1Api,
  DiscoveryV1Api,
  EventsV1Api,
  NetworkingV1Api,
  PolicyV1Api,
  RbacAuthorizationV1Api,
  type KubeConfig,
  type V1Pod,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GROUP } from '../../src/crds/names.ts';
import { apply, mergePatch, read, type Manifest } from '../support/controlplane/apply.ts';
import { connect, startControlPlane, type ControlPlane } from '../support/controlplane/controlplane.ts';
import { eventually } from '../support/eventually.ts';
import {
  DEPLOY,
  installation,
  KUSTOMIZATION,
  listedFiles,
  NAME_REFERENCES,
} from '../support/controlplane/installation.ts';
import { installCareen } from '../support/operator/operator.ts';
import { createNodes } from '../support/hosts/simulated-nodes.ts';

const OPTIONAL = ['execute-policy', 'node-policy', 'etcd', 'openstack', 'replies'].map((part) =>
  join(DEPLOY, 'optional', part),
);
const ARGOCD = join(DEPLOY, 'argocd');
const HOSTS = ['first', 'second'];
const SELECTOR = { 'app.kubernetes.io/name': 'careen', 'app.kubernetes.io/component': 'operator' };
const namespace = 'careen-system';

let plane: ControlPlane;
let admin: KubeConfig;
let core: CoreV1Api;
let manifests: readonly Manifest[];

beforeAll(async () => {
  plane = await startControlPlane();
  admin = connect(plane.kubeconfig);
  core = admin.makeApiClient(CoreV1Api);
  manifests = (await Promise.all([DEPLOY, ...OPTIONAL].map(installation))).flat();
  await createNodes(
    admin,
    HOSTS.map((name) => ({ name })),
  );
  await eventually('the hosts take pods', async () =>
    (await core.listNode()).items.every(({ spec }) => (spec?.taints ?? []).length === 0),
  );
  await installCareen(admin); // with the definitions: their kinds must be served before the default pool comes
  await apply(admin, ...manifests);
});
afterAll(async () => plane.stop());

describe('deploy/', () => {
  it('lists every file in the folder', async () => {
    const folders = [DEPLOY, ...OPTIONAL, ARGOCD];
    const listed = (await Promise.all(folders.map(async (folder) => listedFiles(folder)))).flat();
    const there = globSync('**/*.yaml', { cwd: DEPLOY }).filter(
      (file) => !file.endsWith(KUSTOMIZATION) && file !== NAME_REFERENCES,
    );
    expect(there.map((file) => join(DEPLOY, file)).sort()).toEqual(listed.sort());
  });

  it('is accepted by the API server, every manifest', async () => {
    for (const manifest of manifests)
      expect(await read(admin, manifest), `${manifest.kind} ${manifest.metadata.name}`).toMatchObject({
        metadata: manifest.metadata,
      });
  });
});

it('the roles of Kubernetes may read what is ours, and those of editors may answer for their namespaces, and no more', async () => {
  const rights = (kinds: readonly string[], verbs: readonly string[]): string[] =>
    kinds.flatMap((kind) => verbs.map((verb) => `${kind} ${verb}`));
  const own = ['instanceconstraints', 'instancegroupconstraints', 'maintenancewebhooks'];
  const strategies = ['maintenancesessions', 'patchstrategies', 'upgradestrategies'];
  const read = rights(
    ['hostpools', 'planstages', 'maintenancenotices', ...own, ...strategies],
    ['get', 'list', 'watch'],
  );
  const answer = [
    ...rights(['maintenancenotices'], ['update', 'patch']),
    ...rights(own, ['create', 'update', 'patch', 'delete']),
  ];
  const expected = { view: read, edit: [...read, ...answer], admin: [...read, ...answer] };
  for (const [role, all] of Object.entries(expected))
    await eventually(`${role} has them`, async () => {
      const held = await careenRights(role);
      expect(all).toEqual(expect.arrayContaining(held));
      return isDeepStrictEqual(held.sort(), all.toSorted());
    });
});

/** The rights on our kinds in a ClusterRole of Kubernetes. */
async function careenRights(name: string): Promise<string[]> {
  const { rules = [] } = await admin.makeApiClient(RbacAuthorizationV1Api).readClusterRole({ name });
  const ours = rules.filter(({ apiGroups }) => apiGroups?.includes(GROUP));
  const rights = ours.flatMap(({ resources = [], verbs }) =>
    resources.flatMap((resource) => verbs.map((verb) => `${resource} ${verb}`)),
  );
  return [...new Set(rights)];
}

describe('the pods of the operator', () => {
  it('meet the restricted Pod Security level of their namespace, on two hosts', async () => {
    const pods = await readyPods();
    expect(pods.map(({ spec }) => spec?.nodeName).sort()).toEqual(HOSTS);
    expect(await warnings()).toEqual([]);
  });

  it('are selected by the budget, the Service and the NetworkPolicy', async () => {
    const policy = admin.makeApiClient(PolicyV1Api);
    await eventually('the budget lets one of them leave', async () => {
      const budget = await policy.readNamespacedPodDisruptionBudget({ namespace, name: 'careen' });
      return budget.status?.expectedPods === 2 && budget.status.disruptionsAllowed === 1;
    });
    const discovery = admin.makeApiClient(DiscoveryV1Api);
    const labelSelector = 'kubernetes.io/service-name=careen-metrics';
    const ports = await eventually('the Service has both', async () => {
      const { items } = await discovery.listNamespacedEndpointSlice({ namespace, labelSelector });
      const ready = items.flatMap(({ endpoints }) => endpoints).filter((each) => each?.conditions?.ready);
      return ready.length === 2 && items.flatMap((slice) => slice.ports ?? []);
    });
    expect(ports).toMatchObject([{ name: 'http', port: 8080 }]);
    const networking = admin.makeApiClient(NetworkingV1Api);
    const { spec } = await networking.readNamespacedNetworkPolicy({ namespace, name: 'careen' });
    expect(spec?.podSelector?.matchLabels).toEqual(SELECTOR);
  });

  it('leave a cordoned host for another, even a full one, so that the drain ends', async () => {
    const [leaving, staying] = await readyPods();
    const { nodeName: closed = '' } = leaving?.spec ?? {};
    const { name = '' } = leaving?.metadata ?? {};
    await fill(staying?.spec?.nodeName ?? '');
    await mergePatch(
      admin,
      { apiVersion: 'v1', kind: 'Node', metadata: { name: closed } },
      { spec: { unschedulable: true, taints: [{ key: 'careen.dev/maintenance', effect: 'NoSchedule' }] } },
    );
    await core.createNamespacedPodEviction({ namespace, name, body: { metadata: { name } } });
    await eventually('it is gone', async () =>
      (await pods()).every(({ metadata }) => metadata?.name !== name),
    );
    expect((await readyPods()).map(({ spec }) => spec?.nodeName)).not.toContain(closed);
  });
});

/** Requests most of a host, so that the scheduler prefers all other hosts. */
async function fill(nodeName: string): Promise<void> {
  const resources = { requests: { cpu: '30', memory: '200Gi' } };
  const containers = [{ name: 'work', image: 'work:1', resources }];
  await core.createNamespacedPod({
    namespace: 'default',
    body: { metadata: { name: 'work' }, spec: { nodeName, containers } },
  });
}

async function pods(): Promise<V1Pod[]> {
  const labelSelector = Object.entries(SELECTOR)
    .map((label) => label.join('='))
    .join(',');
  return (await core.listNamespacedPod({ namespace, labelSelector })).items;
}

/** Both replicas, once they are ready; fails with the obstacle. */
async function readyPods(): Promise<V1Pod[]> {
  let hindrances: string[] = [];
  return eventually(
    'two ready pods',
    async () => {
      hindrances = await warnings();
      const all = await pods();
      return all.length === 2 && all.every(isReady) && all;
    },
    { describe: () => hindrances },
  );
}

function isReady({ metadata, status }: V1Pod): boolean {
  const ready = status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True');
  return ready === true && !metadata?.deletionTimestamp;
}

/** The warnings of the namespace, such as pods that are not admitted (FailedCreate). */
async function warnings(): Promise<string[]> {
  const { items } = await admin.makeApiClient(EventsV1Api).listNamespacedEvent({ namespace });
  return items
    .filter(({ type }) => type === 'Warning')
    .map(({ reason = '', note = '' }) => `${reason}: ${note}`);
}
