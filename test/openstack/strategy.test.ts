/** A strategy carried out on compute hosts by the operator's own process: a real control plane, and a real OpenStack. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import { Fleet } from '../e2e/cluster.ts';
import { apply } from '../support/controlplane/apply.ts';
import { connect, startControlPlane } from '../support/controlplane/controlplane.ts';
import { startHostStandin } from '../support/hosts/start-host-standin.ts';
import { createNodes } from '../support/hosts/simulated-nodes.ts';
import { Admin } from '../support/openstack/admin.ts';
import { cloudSecret, openstackRights, SECRET } from '../support/openstack/cloud-secret.ts';
import { INSTALLATION_MS } from '../support/openstack/client-scene.ts';
import { startOpenStack, type OpenStack } from '../support/openstack/openstack.ts';
import {
  allowJobs,
  installCareen,
  startOperator,
  writeOperatorKubeconfig,
  type RunningOperator,
} from '../support/operator/operator.ts';
import { QUICK } from '../support/operator/strategies.ts';

const NAMESPACE = 'careen-hosts';
const job = {
  template: { spec: { containers: [{ name: 'apply', image: 'registry.example.com/patch:1' }] } },
};
const PATCH = { id: 'firmware', rebootRequired: true, action: { job } };

let openStack: OpenStack;
let admin: Admin;
let cluster: KubeConfig;
let kubeconfig: string;
let operator: RunningOperator;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'careen-openstack-'));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const plane = await startControlPlane();
  closing.push(() => plane.stop());
  openStack = await startOpenStack({ hosts: 6 });
  closing.push(() => openStack.stop());
  cluster = connect(plane.kubeconfig);
  await installCareen(cluster);
  await allowJobs(cluster, NAMESPACE);
  await apply(cluster, cloudSecret(openStack), ...(await openstackRights()));
  const standin = await startHostStandin(cluster, { patches: { firmware: {} }, workSeconds: 0.2 });
  closing.push(() => standin.stop());
  // The Jobs of compute hosts run on any node.
  await createNodes(cluster, [{ name: 'runner' }]);
  admin = await Admin.logIn(openStack);
  await admin.raiseQuota();
  kubeconfig = join(folder, 'kubeconfig');
  await writeOperatorKubeconfig(cluster, kubeconfig);
  operator = await startOperator(kubeconfig);
  closing.push(() => operator.stop());
}, INSTALLATION_MS);

afterAll(async () => {
  for (const close of closing.toReversed()) await close();
});

/** A pool of these hosts, and a strategy on it. */
async function fleetOf(name: string, hosts: readonly string[], provider = {}, spec = {}): Promise<Fleet> {
  await admin.createAggregate(name, hosts);
  await apply(cluster, {
    ...{ apiVersion: 'careen.dev/v1alpha1', kind: 'HostPool', metadata: { name } },
    spec: {
      provider: {
        openstack: {
          identityRef: { name: SECRET, cloudName: 'lab' },
          hostSelector: { [`aggregate/${name}`]: 'member' },
          ...provider,
        },
      },
      maxUnavailable: 1,
    },
  });
  const strategy = {
    ...{ apiVersion: 'careen.dev/v1alpha1', kind: 'PatchStrategy', metadata: { name, namespace: NAMESPACE } },
    spec: { patches: [PATCH], reboot: { job }, timing: QUICK, ...spec },
  };
  const surroundings = {
    admin: cluster,
    get operator() {
      return operator;
    },
  };
  return new Fleet(surroundings, name, hosts, strategy);
}

/** All migrations of a server that were ever begun. */
async function migrationsOf(server: string): Promise<readonly { status: string }[]> {
  const answer = await admin.get(`/os-migrations?instance_uuid=${server}`);
  return z.object({ migrations: z.array(z.object({ status: z.string() })) }).parse(answer).migrations;
}

describe.concurrent('a strategy on compute hosts', { timeout: 300_000 }, () => {
  it('locks, empties, patches and releases one host after another, and no server is lost', async () => {
    const hosts = openStack.hosts.slice(0, 3);
    const group = await admin.createServerGroup('apart', 'anti-affinity');
    const servers = await Promise.all([
      ...['a', 'b', 'c'].map((name) => admin.bootServer(name, { host: hosts[0] ?? '' })),
      ...[0, 1].map((i) => admin.bootServer(`apart-${String(i)}`, { host: hosts[i] ?? '', group })),
    ]);
    const fleet = await fleetOf('whole', hosts);
    await fleet.apply({ execution: { mode: 'Run' } });
    const done = await fleet.until('the end', ({ state }) => state === 'applied', 240);
    expect(done.stages).toBe('3/3');
    for (const host of hosts)
      expect(await admin.serviceOf(host)).toMatchObject({ status: 'enabled', state: 'up' });
    const after = await Promise.all(servers.map(({ id }) => admin.server(id)));
    expect(after.map(({ status }) => status)).toEqual(servers.map(() => 'ACTIVE'));
    const [one, two] = after.slice(-2);
    expect(one?.host).not.toBe(two?.host);
  });

  it('goes on after a crash in the middle of a migration, and starts no second one', async () => {
    const [host = ''] = openStack.hosts.slice(3);
    const metadata = { 'testbed:live-migration-seconds': '12' };
    const { id } = await admin.bootServer('slow', { host, metadata });
    const fleet = await fleetOf('crash', [host]);
    await fleet.apply({ execution: { mode: 'Run' } });
    await admin.serverWhere(id, 'the migration', ({ task }) => task === 'migrating');
    await operator.kill();
    operator = await startOperator(kubeconfig);
    await fleet.until('the end', ({ state }) => state === 'applied', 240);
    expect((await admin.server(id)).status).toBe('ACTIVE');
    expect(await migrationsOf(id)).toMatchObject([{ status: 'completed' }]);
  });

  it('names a server that cannot leave, and what to do', async () => {
    const [host = ''] = openStack.hosts.slice(4);
    const metadata = { 'testbed:live-migration': 'fail' };
    const { id } = await admin.bootServer('fails', { host, metadata });
    const suspended = await admin.bootServer('asleep', { host });
    await admin.post(`/servers/${suspended.id}/action`, { suspend: null });
    await admin.serverWhere(suspended.id, 'it sleeps', ({ status }) => status === 'SUSPENDED');
    const fleet = await fleetOf('stuck', [host]);
    await fleet.apply({ execution: { mode: 'Hold' } });
    const { findings } = await fleet.until('a finding', (status) => Boolean(status.findings?.length));
    expect(findings).toMatchObject([{ reason: 'InstancesStuck', subjects: [host] }]);
    await admin.post(`/servers/${suspended.id}/action`, { resume: null });
    await fleet.order({ mode: 'Run' });
    const { message } = await fleet.until('the blocker', isStuck, 240);
    expect(message).toContain(`openstack server show ${id}`);
    await admin.delete(`/servers/${id}`);
    await fleet.until('the end', ({ state }) => state === 'applied', 120);
  });

  it('that is aborted cancels what moves, and enables the host', async () => {
    const [host = ''] = openStack.hosts.slice(5);
    const metadata = { 'testbed:live-migration-seconds': '600' };
    const { id } = await admin.bootServer('endless', { host, metadata });
    const fleet = await fleetOf('abort', [host]);
    await fleet.apply({ execution: { mode: 'Run' } });
    await admin.serverWhere(id, 'the migration', ({ task }) => task === 'migrating');
    await fleet.order({ mode: 'Abort' });
    await fleet.until('the abort', ({ state }) => state === 'aborted', 120);
    expect(await admin.serviceOf(host)).toMatchObject({ status: 'enabled', disabledReason: undefined });
    const still = await admin.serverWhere(id, 'no task', ({ task }) => task === undefined);
    expect(still).toMatchObject({ status: 'ACTIVE', host });
  });
});

function isStuck({ message = '' }: StrategyStatus): boolean {
  return message.includes('did not leave in 3 attempts');
}

describe('a pool whose cloud cannot be used', () => {
  it.each([
    [
      'no Secret of the name',
      { name: 'missing', cloudName: 'lab' },
      /Secret careen-system\/missing .* (does not exist|may not be read)/,
    ],
    ['no cloud of the name', { name: SECRET, cloudName: 'other' }, /has no cloud "other": it has lab/],
  ])('is Stalled and says why: %s', async (what, identityRef, why) => {
    const name = what.toLowerCase().replaceAll(' ', '-');
    const fleet = await fleetOf(name, [], { identityRef });
    await fleet.apply({ execution: { mode: 'Run' } });
    const { conditions = [] } = await fleet.untilPool('Stalled', (status) =>
      Boolean(status.conditions?.some(({ type, status: is }) => type === 'Stalled' && is === 'True')),
    );
    expect(conditions.find(({ type }) => type === 'Stalled')).toMatchObject({
      ...{ reason: 'ProviderUnavailable', message: expect.stringMatching(why) as string },
    });
  });
});
