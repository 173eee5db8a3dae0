/** What `careen plan` says of servers, and what a real Nova then does with them. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { plan } from '../../src/cli/commands/plan.ts';
import { keptIo } from '../support/cli/kept-io.ts';
import { apply, type Manifest } from '../support/controlplane/apply.ts';
import { connect, startControlPlane, type ControlPlane } from '../support/controlplane/controlplane.ts';
import { writeServiceAccountKubeconfig } from '../support/controlplane/service-account.ts';
import { eventually } from '../support/eventually.ts';
import { Admin, NOVA_PAUSE } from '../support/openstack/admin.ts';
import { INSTALLATION_MS } from '../support/openstack/client-scene.ts';
import { cloudSecret, SECRET } from '../support/openstack/cloud-secret.ts';
import { startOpenStack, type OpenStack } from '../support/openstack/openstack.ts';
import { installCareen } from '../support/operator/operator.ts';
import { firmwarePatch, strategyManifest } from '../support/operator/strategies.ts';

const STRATEGY = strategyManifest('firmware', 'careen-hosts', {
  poolRef: 'vms',
  patches: [firmwarePatch],
});
const VIEWER = { name: 'viewer', namespace: 'careen-hosts' };
const [PINNED_ZONE, FULL_DISK_GIBIBYTES] = ['az1', 3000] as const;

const previewSchema = z.object({
  stages: z.array(
    z.object({
      hosts: z.array(z.string()),
      servers: z.array(
        z.object({
          ...{ id: z.string(), name: z.string(), project: z.string(), host: z.string(), how: z.string() },
          ...{ to: z.string().optional(), hosts: z.number().optional(), why: z.string().optional() },
        }),
      ),
    }),
  ),
  findings: z.array(z.object({ reason: z.string(), subjects: z.array(z.string()), message: z.string() })),
});

let plane: ControlPlane;
let openStack: OpenStack;
let admin: Admin;
let folder: string;
const booted = new Map<string, string>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'careen-plan-'));
  [plane, openStack] = await Promise.all([startControlPlane(), startOpenStack({ hosts: 3 })]);
  const cluster = connect(plane.kubeconfig);
  await installCareen(cluster);
  await apply(cluster, cloudSecret(openStack), ...VIEWER_RIGHTS, {
    ...{ apiVersion: 'careen.dev/v1alpha1', kind: 'HostPool', metadata: { name: 'vms' } },
    spec: {
      provider: { openstack: { identityRef: { name: SECRET, cloudName: 'lab' } } },
      maxUnavailable: 1,
    },
  });
  await writeServiceAccountKubeconfig(cluster, VIEWER.namespace, VIEWER.name, join(folder, 'viewer'));
  await writeFile(join(folder, 'strategy.json'), JSON.stringify(STRATEGY));
  admin = await Admin.logIn(openStack);
  await admin.raiseQuota();
  await bootServers();
}, INSTALLATION_MS);

afterAll(async () => {
  await openStack.stop();
  await plane.stop();
  await rm(folder, { recursive: true, force: true });
});

/** On compute-0 one server of each kind, and on the other hosts what is in their way. */
async function bootServers(): Promise<void> {
  const [first = '', ...others] = openStack.hosts;
  await admin.createAggregate(PINNED_ZONE, [first], { availability_zone: PINNED_ZONE });
  const size = { vcpus: 1, ramMebibytes: 512, diskGibibytes: FULL_DISK_GIBIBYTES };
  const large = await admin.createFlavor('full-disk', size);
  const [apart, alone] = [
    await admin.createServerGroup('apart', 'anti-affinity'),
    await admin.createServerGroup('alone', 'affinity'),
  ];
  const boot = async (name: string, options: Parameters<Admin['bootServer']>[1]) => {
    booted.set(name, (await admin.bootServer(name, options)).id);
  };
  await Promise.all([
    boot('free', { host: first }),
    boot('pinned', { zone: PINNED_ZONE }),
    boot('full-disk', { host: first, flavor: large }),
    boot('apart', { host: first, group: apart }),
    boot('alone', { host: first, group: alone }),
    boot('sharing', { host: first, metadata: { 'testbed:share': randomUUID() } }),
    ...others.map(async (host) => boot(`full-disk-on-${host}`, { host, flavor: large })),
    ...others.map(async (host) => boot(`apart-on-${host}`, { host, group: apart })),
  ]);
}

async function planned(kubeconfig = plane.kubeconfig) {
  const io = keptIo();
  const filename = join(folder, 'strategy.json');
  const exit = await plan({ filename, kubeconfig, output: 'json' }, io);
  return { exit, noted: io.noted, ...previewSchema.parse(JSON.parse(io.printed)) };
}

/** The end of the last migration of a server. */
async function outcomeOf(server: string): Promise<string> {
  const schema = z.object({ migrations: z.array(z.object({ status: z.string() })) });
  const end = async (): Promise<string | undefined> => {
    const [last] = schema.parse(await admin.get(`/os-migrations?instance_uuid=${server}`)).migrations;
    return ['completed', 'error', 'failed'].find((each) => last?.status === each);
  };
  return eventually(`the end of the migration of ${server}`, end, NOVA_PAUSE);
}

it('is made also while nobody knows how much room there is', async () => {
  await openStack.command('kill placement');
  try {
    const { exit, stages, findings } = await planned();
    expect(exit).toBe('open');
    expect(stages.flatMap(({ servers }) => servers).find(({ name }) => name === 'full-disk')?.hosts).toBe(2);
    const unknown = findings.find(({ reason }) => reason === 'CapacityUnknown');
    expect(unknown?.message).toContain('placement: GET');
  } finally {
    await openStack.command('start placement');
    const serves = async (): Promise<unknown> =>
      admin.get('/resource_providers', { service: 'placement' }).catch(() => undefined);
    await eventually('Placement serves again', serves, { ...NOVA_PAUSE, seconds: 50 });
  }
});

it('names for each server a kind of place, or why there is none, and Nova agrees', async () => {
  const { exit, noted, stages, findings } = await planned();
  expect({ exit, noted }).toEqual({ exit: 'open', noted: '' });
  expect(stages.map(({ hosts }) => hosts)).toEqual(openStack.hosts.map((host) => [host]));
  const servers = stages[0]?.servers ?? [];
  const places = Object.fromEntries(servers.map(({ name, how, to, hosts }) => [name, [how, to, hosts]]));
  expect(places).toEqual({
    free: ['live-migrate', 'any host', 2],
    pinned: ['live-migrate', `a host of zone ${PINNED_ZONE}`, 0],
    'full-disk': ['live-migrate', 'any host', 0],
    apart: ['live-migrate', 'a host without another of group apart', 0],
    alone: ['live-migrate', 'a host with another of group alone', 0],
    sharing: ['stuck', undefined, undefined],
  });
  const disk = servers.find(({ name }) => name === 'full-disk');
  expect(disk?.why).toMatch(
    /^needs 3000 GB of local disk, and no host that may take it has more than \d+ GB/,
  );
  expect(servers.find(({ name }) => name === 'sharing')?.why).toContain('it has shares of Manila');
  expect(findings).toMatchObject([
    { reason: 'InstancesStuck', subjects: openStack.hosts.slice(0, 1) },
    { reason: 'NoTarget', subjects: openStack.hosts },
  ]);

  const moveLive = async (id: string): Promise<unknown> =>
    admin.post(`/servers/${id}/action`, { 'os-migrateLive': { host: null, block_migration: 'auto' } });
  await expect(moveLive(booted.get('sharing') ?? '')).rejects.toThrow('share');
  const seeking = servers.filter(({ hosts }) => hosts !== undefined);
  const outcomes = seeking.map(async ({ id, name, hosts }) => {
    await moveLive(id);
    return [name, hosts === 0 ? 'error' : 'completed', await outcomeOf(id)];
  });
  for (const [name, expected, outcome] of await Promise.all(outcomes)) expect(outcome, name).toBe(expected);
});

it('is not made for somebody without the right to the login of the cloud, who is told so', async () => {
  await expect(planned(join(folder, 'viewer'))).rejects.toThrow(
    /^the hosts of HostPool vms cannot be read: context viewer has no right to get secrets in namespace careen-system: .*; the login of the cloud is in Secret careen-openstack; or apply the strategy with execution.mode Hold/,
  );
});

const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: VIEWER.name } };
const VIEWER_RIGHTS: readonly Manifest[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: VIEWER.namespace } },
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: VIEWER },
  {
    ...{ ...rbac, kind: 'ClusterRoleBinding' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'careen-viewer' },
    subjects: [{ kind: 'ServiceAccount', ...VIEWER }],
  },
];
