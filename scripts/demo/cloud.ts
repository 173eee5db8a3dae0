/** The surroundings of the demonstration on compute hosts: an OpenStack with servers, a control plane, and the operator. */
import type { Admin } from '../../test/support/openstack/admin.ts';
import { OperatedCloud } from '../../test/support/openstack/operated-cloud.ts';
import type { OpenStack } from '../../test/support/openstack/openstack.ts';

const HOSTS = 4;
const ZONE = 'az-1';

/** Starts them; `stop()` ends them. */
export async function startDemoCloud(say: (line: string) => void): Promise<OperatedCloud> {
  say(`starting a real OpenStack with ${String(HOSTS)} compute hosts, and a real Kubernetes control plane`);
  return OperatedCloud.start({
    hosts: HOSTS,
    patches: { 'kernel-6.12.48': {} },
    prepare: async (admin, { hosts }) => {
      say('booting seven servers, two of them in a group that never shares a host');
      await admin.createAggregate(ZONE, hosts, { availability_zone: ZONE });
      await bootServers(admin, hosts);
      say('starting the operator, a process of its own with the rights of its service account');
    },
    // There is no other replica to take over: a busy machine must not end this one.
    operatorEnvironment: { CAREEN_LEASE_SECONDS: '60' },
  });
}

async function bootServers(admin: Admin, hosts: OpenStack['hosts']): Promise<void> {
  const group = await admin.createServerGroup('db', 'anti-affinity');
  await Promise.all([
    ...['web-0', 'web-1', 'web-2', 'shop-0', 'shop-1'].map((name, i) =>
      admin.bootServer(name, { host: hosts[i % hosts.length] ?? '' }),
    ),
    ...['db-0', 'db-1'].map((name, i) => admin.bootServer(name, { host: hosts[i] ?? '', group })),
  ]);
}
