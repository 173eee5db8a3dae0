/** A new leader takes over a run on compute hosts while the cloud cannot be read: no real cloud can repeat that. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hostPoolSpec } from '../../../../src/crds/host-pool.ts';
import { HostJobs } from '../../../../src/hostops/jobs/host-jobs.ts';
import { OpenStackHostOps } from '../../../../src/hostops/openstack/openstack-host-ops.ts';
import type { Scope } from '../../../../src/hostops/port.ts';
import { answer, KEYSTONE, NOVA, ScriptedCloud } from '../../openstack/scripted-cloud.ts';
import { ClusterInMemory } from '../../support/cluster-in-memory.ts';
import { HOST } from './cloud-objects.ts';
import { FENCE, signal } from './one-host.ts';

const NAMESPACE = 'careen-system';
const quiet = { info: () => undefined, warn: () => undefined };
const SERVICES = `GET ${NOVA}/os-services?binary=nova-compute`;
const forbidden = answer(403, { forbidden: { code: 403, message: 'no' } });

const openstack = { identityRef: { name: 'cloud', cloudName: 'lab' } };
const scope: Scope = {
  pool: 'vms',
  before: [],
  ...hostPoolSpec.parse({ provider: { openstack }, maxUnavailable: 1 }),
};

let nova: ScriptedCloud;
let ops: OpenStackHostOps;
beforeEach(() => {
  const cluster = new ClusterInMemory();
  const auth = { auth_url: KEYSTONE, username: 'careen', password: 'p', project_name: 'p' };
  const domains = { user_domain_name: 'Default', project_domain_name: 'Default' };
  const clouds = JSON.stringify({ clouds: { lab: { auth: { ...auth, ...domains } } } });
  const secret = {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'cloud', namespace: NAMESPACE } },
    data: { 'clouds.yaml': Buffer.from(clouds).toString('base64') },
  };
  cluster.server.create('secrets', secret, 'person');
  nova = new ScriptedCloud();
  nova.on(`GET ${NOVA}/os-hypervisors/detail?limit=500`, answer(200, { hypervisors: [] }));
  nova.on(`GET ${NOVA}/os-aggregates`, answer(200, { aggregates: [] }));
  const { config } = cluster.connection;
  const jobs = new HostJobs({ config, now: () => 0, log: quiet });
  ops = new OpenStackHostOps({
    ...{ config, namespace: NAMESPACE, jobs, now: () => 0, log: quiet },
    transportTo: () => ({ transport: nova.transport, close: async () => undefined }),
  });
});
afterEach(() => ops.stop());

it('a run is not taken over before the hosts were read: one that is not known counts as one that has left', async () => {
  nova.on(SERVICES, forbidden);
  ops.fleet(scope, () => undefined);
  await expect(ops.adopt(scope, new Map(), FENCE, signal)).rejects.toThrow('no');
  const services = [{ id: 'service-1', host: HOST, binary: 'nova-compute', status: 'enabled', state: 'up' }];
  nova.on(SERVICES, answer(200, { services }));
  await ops.adopt(scope, new Map(), FENCE, signal);
  expect(ops.view(scope).host(HOST)).toBeDefined();
  const read = nova.asked(SERVICES).length;
  await ops.adopt(scope, new Map(), FENCE, signal);
  expect(nova.asked(SERVICES), 'once is enough').toHaveLength(read);
});
