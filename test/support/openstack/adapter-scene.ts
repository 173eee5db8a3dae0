/** The adapter for compute hosts between a real control plane, which has its claims and Jobs, and a real OpenStack. */
import { expect } from 'vitest';
import type { KubeConfig } from '@kubernetes/client-node';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { OPERATOR_NAMESPACE } from '../../../src/crds/names.ts';
import { HostJobs } from '../../../src/hostops/jobs/host-jobs.ts';
import { OpenStackHostOps } from '../../../src/hostops/openstack/openstack-host-ops.ts';
import type { Scope } from '../../../src/hostops/port.ts';
import { apply } from '../controlplane/apply.ts';
import { connect, startControlPlane } from '../controlplane/controlplane.ts';
import { eventually } from '../eventually.ts';
import { Admin } from './admin.ts';
import { cloudSecret, SECRET } from './cloud-secret.ts';
import { startOpenStack, type OpenStack } from './openstack.ts';

const quiet = { info: () => undefined, warn: () => undefined };

export type AdapterScene = {
  readonly openStack: OpenStack;
  /** The administrator of the cloud. */
  readonly admin: Admin;
  /** The administrator of the cluster. */
  readonly cluster: KubeConfig;
  readonly ops: OpenStackHostOps;
  readonly jobs: HostJobs;
  /** A pool of these hosts: of an aggregate made for it, of this name. */
  readonly poolOf: (
    name: string,
    hosts: readonly string[],
    fields?: Readonly<Record<string, unknown>>,
  ) => Promise<Scope>;
  readonly stop: () => Promise<void>;
};

/** Starts both, and waits until the adapter knows all hosts. */
export async function startAdapterScene(hosts: number): Promise<AdapterScene> {
  const closing: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closing.toReversed()) await close();
  };
  try {
    const [plane, openStack] = await Promise.all([startControlPlane(), startOpenStack({ hosts })]);
    closing.push(
      () => plane.stop(),
      () => openStack.stop(),
    );
    const cluster = connect(plane.kubeconfig);
    await apply(cluster, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: OPERATOR_NAMESPACE } });
    await apply(cluster, cloudSecret(openStack));
    const admin = await Admin.logIn(openStack);
    await admin.raiseQuota();
    const config = connect(plane.kubeconfig);
    const jobs = new HostJobs({ config, now: Date.now, log: quiet });
    const ops = new OpenStackHostOps({
      ...{ config, namespace: OPERATOR_NAMESPACE, jobs, now: Date.now, log: quiet },
    });
    closing.push(async () => {
      ops.stop();
      jobs.stop();
    });
    const poolOf: AdapterScene['poolOf'] = async (name, members, fields = {}) => {
      await admin.createAggregate(name, members);
      return scopeOf(name, fields);
    };
    return { openStack, admin, cluster, ops, jobs, poolOf, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A pool of the hosts of an aggregate. */
export function scopeOf(aggregate: string, fields: Readonly<Record<string, unknown>> = {}): Scope {
  const openstack = {
    identityRef: { name: SECRET, cloudName: 'lab' },
    hostSelector: { [`aggregate/${aggregate}`]: 'member' },
    ...fields,
  };
  const { provider, roles, health } = hostPoolSpec.parse({ provider: { openstack }, maxUnavailable: 1 });
  return { pool: aggregate, provider, before: [], roles, health };
}

/** Waits until the adapter sees all hosts of a pool. */
export async function untilKnown(
  ops: OpenStackHostOps,
  scope: Scope,
  hosts: readonly string[],
): Promise<void> {
  await eventually('the hosts of the pool are known', async () => {
    for await (const _ of ops.inventory(scope)) continue;
    const view = ops.view(scope);
    return view.fleet.unobservable === undefined && hosts.every((host) => view.host(host)?.isMember);
  });
  expect(ops.view(scope).fleet.total).toBe(hosts.length);
}
