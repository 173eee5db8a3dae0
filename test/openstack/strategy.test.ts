/** A strategy carried out on compute hosts by the operator's own process: a real control plane, and a real OpenStack. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet } from '../e2e/cluster.ts';
import { apply } from '../support/controlplane/apply.ts';
import { connect, startControlPlane } from '../support/controlplane/controlplane.ts';
import { startHostStandin } from '../support/hosts/start-host-standin.ts';
import { createNodes } from '../support/hosts/simulated-nodes.ts';
import { cloudSecret, openstackRights, SECRET } from '../support/openstack/adapter-scene.ts';
import { Admin } from '../support/openstack/admin.ts';
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

describe('a strategy on compute hosts', () => {
  it(
    'locks, empties, patches and releases one host after another, and no server is lost',
    { timeout: 240_000 },
    async () => {
      const hosts = openStack.hosts.slice(0, 3);
      const group = await admin.createServerGroup('apart', 'anti-affinity');
      const servers = await Promise.all([
        ...['a', 'b', 'c'].map((name) => admin.bootServer(name, { host: hosts[0] ?? '' })),
        ...[0, 1].map((i) => admin.bootServer(`apart-${String(i)}`, { host: hosts[i] ?? '', group })),
      ]);
      const fleet = await fleetOf('whole', hosts);
      await fleet.apply({ execution: { mode: 'Run' } });
      const done = await fleet.until('the end', ({ state }) => state === 'applied', 150);
      expect(done.stages).toBe('3/3');
      for (const host of hosts)
        expect(await admin.serviceOf(host)).toMatchObject({ status: 'enabled', state: 'up' });
      const after = await Promise.all(servers.map(({ id }) => admin.server(id)));
      expect(after.map(({ status }) => status)).toEqual(servers.map(() => 'ACTIVE'));
      const [one, two] = after.slice(-2);
      expect(one?.host).not.toBe(two?.host);
    },
  );
});
