/** The surroundings of the demonstration on compute hosts: an OpenStack with servers, a control plane, and the operator. */
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { HOSTS_NAMESPACE } from '../../src/crds/names.ts';
import { apply } from '../../test/support/controlplane/apply.ts';
import { connect, startControlPlane } from '../../test/support/controlplane/controlplane.ts';
import { createNodes } from '../../test/support/hosts/simulated-nodes.ts';
import { startHostStandin } from '../../test/support/hosts/start-host-standin.ts';
import { Admin } from '../../test/support/openstack/admin.ts';
import { cloudSecret, openstackRights } from '../../test/support/openstack/cloud-secret.ts';
import { startOpenStack, type OpenStack } from '../../test/support/openstack/openstack.ts';
import {
  allowJobs,
  installCareen,
  startOperator,
  writeOperatorKubeconfig,
  type RunningOperator,
} from '../../test/support/operator/operator.ts';

const HOSTS = 4;
const ZONE = 'az-1';

export type DemoCloud = {
  readonly openStack: OpenStack;
  readonly openStackAdmin: Admin;
  /** The administrator of the cluster. */
  readonly admin: KubeConfig;
  readonly kubeconfig: string;
  readonly operator: RunningOperator;
};

/** Starts it with its state in this folder. `closing` gets what ends it, to be called in reverse. */
export async function startDemoCloud(
  folder: string,
  closing: (() => Promise<void>)[],
  say: (line: string) => void,
): Promise<DemoCloud> {
  say(`starting a real OpenStack with ${String(HOSTS)} compute hosts, and a real Kubernetes control plane`);
  const openStack = await startOpenStack({ hosts: HOSTS });
  closing.push(() => openStack.stop());
  const plane = await startControlPlane({ dir: join(folder, 'cluster') });
  closing.push(() => plane.stop());

  say('booting seven servers, two of them in a group that never shares a host');
  const openStackAdmin = await Admin.logIn(openStack);
  await openStackAdmin.raiseQuota();
  await openStackAdmin.createAggregate(ZONE, openStack.hosts, { availability_zone: ZONE });
  await bootServers(openStackAdmin, openStack.hosts);

  say('starting the operator, a process of its own with the rights of its service account');
  const admin = connect(plane.kubeconfig);
  await installCareen(admin);
  await allowJobs(admin, HOSTS_NAMESPACE);
  await apply(admin, cloudSecret(openStack), ...(await openstackRights()));
  // The Jobs of compute hosts run on any node.
  await createNodes(admin, [{ name: 'runner' }]);
  const standin = await startHostStandin(admin, { patches: { 'kernel-6.12.48': {} } });
  closing.push(() => standin.stop());
  const own = join(folder, 'operator.kubeconfig');
  await writeOperatorKubeconfig(admin, own);
  // There is no other replica to take over: a busy machine must not end this one.
  const operator = await startOperator(own, { environment: { CAREEN_LEASE_SECONDS: '60' } });
  closing.push(() => operator.stop());
  return { openStack, openStackAdmin, admin, kubeconfig: plane.kubeconfig, operator };
}

async function bootServers(admin: Admin, hosts: readonly string[]): Promise<void> {
  const group = await admin.createServerGroup('db', 'anti-affinity');
  await Promise.all([
    ...['web-0', 'web-1', 'web-2', 'shop-0', 'shop-1'].map((name, i) =>
      admin.bootServer(name, { host: hosts[i % hosts.length] ?? '' }),
    ),
    ...['db-0', 'db-1'].map((name, i) => admin.bootServer(name, { host: hosts[i] ?? '', group })),
  ]);
}
