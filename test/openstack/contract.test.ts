/**
 * The contract of HostOps for compute hosts: the adapters as the operator builds them, with exactly its rights, between a
 * real control plane and a real OpenStack.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoordinationV1Api, type KubeConfig, type V1Lease } from '@kubernetes/client-node';
import { afterAll, beforeAll } from 'vitest';
import { hostPoolSpec } from '../../src/crds/host-pool.ts';
import {
  CLAIM_ANNOTATION,
  HOST_ANNOTATION,
  HOST_CLAIM_LABEL,
  OPERATOR_NAMESPACE,
} from '../../src/crds/names.ts';
import { HostJobs } from '../../src/hostops/jobs/host-jobs.ts';
import { KubernetesHostOps } from '../../src/hostops/kubernetes/kubernetes-host-ops.ts';
import { OpenStackHostOps } from '../../src/hostops/openstack/openstack-host-ops.ts';
import { keyOfCloud, providerOf } from '../../src/hostops/openstack/provider.ts';
import type { Scope } from '../../src/hostops/port.ts';
import { ProvidersHostOps } from '../../src/hostops/providers-host-ops.ts';
import { clusterSide } from '../contract/cluster-side.ts';
import { EXIT_CODE, type ContractFixture } from '../contract/contract-case.ts';
import { hostOpsContract } from '../contract/host-ops-contract.ts';
import { auditArgs } from '../support/audit/audit.ts';
import { grantedRights, untilGranted } from '../support/audit/rights.ts';
import { apply, mergePatch, remove as removeObject, type Manifest } from '../support/controlplane/apply.ts';
import { connect, startControlPlane } from '../support/controlplane/controlplane.ts';
import { eventually } from '../support/eventually.ts';
import { BEHAVIOUR_ANNOTATION } from '../support/hosts/host-standin.ts';
import { createNodes } from '../support/hosts/simulated-nodes.ts';
import { startHostStandin } from '../support/hosts/start-host-standin.ts';
import { cloudSecret, openstackRights, SECRET } from '../support/openstack/cloud-secret.ts';
import { Admin, AnswerError } from '../support/openstack/admin.ts';
import { INSTALLATION_MS } from '../support/openstack/client-scene.ts';
import { LentHosts } from '../support/openstack/lent-hosts.ts';
import { startOpenStack } from '../support/openstack/openstack.ts';
import { installCareen, OPERATOR_ACCOUNT, writeOperatorKubeconfig } from '../support/operator/operator.ts';

/** The node on which the pods of all Jobs run. */
const NODE = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'worker' } };
const HOSTS = 6;
/** Nova shows a host without power as down only after 10 seconds. */
const WAIT_SECONDS = 50;
/** Each look is two to nine requests to Nova. */
const LOOK_PAUSE = { pauseMilliseconds: 150 };
const CONTROLLER = 'metadata/control-plane';
const STORAGE = 'metadata/storage';
const roles = {
  controller: { matchExpressions: [{ key: CONTROLLER, operator: 'Exists' }] },
  storage: { matchExpressions: [{ key: STORAGE, operator: 'Exists' }] },
  worker: { matchExpressions: [CONTROLLER, STORAGE].map((key) => ({ key, operator: 'DoesNotExist' })) },
};
const quiet = { info: () => undefined, warn: () => undefined };
const { signal } = new AbortController();

let cluster: KubeConfig;
let admin: Admin;
let lent: LentHosts;
let ops: ProvidersHostOps;
let cases = 0;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  const [plane, openStack] = await Promise.all([
    untilStopped(startControlPlane({ args: await auditArgs() })),
    untilStopped(startOpenStack({ hosts: HOSTS })),
  ]);
  cluster = connect(plane.kubeconfig);
  admin = await Admin.logIn(openStack);
  lent = new LentHosts(openStack, admin);
  await installCareen(cluster);
  await allowOpenStack();
  await apply(cluster, cloudSecret(openStack));
  await untilStopped(startHostStandin(cluster, { workSeconds: 0.1 }));
  await createNodes(cluster, [{ name: NODE.metadata.name }]);
  ops = await startAdapters();
  // The cloud stays observed between the cases.
  const observed = ops.fleet(poolOf({ case: 'none' }), () => undefined);
  closing.push(async () => observed.close());
}, INSTALLATION_MS);

afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

async function untilStopped<T extends { stop(): Promise<void> }>(start: Promise<T>): Promise<T> {
  const started = await start;
  closing.push(() => started.stop());
  return started;
}

/** Grants the rights for pools of compute hosts, which are optional. */
async function allowOpenStack(): Promise<void> {
  const rights = await openstackRights();
  await apply(cluster, ...rights);
  await untilGranted(cluster, OPERATOR_ACCOUNT, grantedRights(rights, OPERATOR_ACCOUNT));
}

/** As src/run-operator.ts builds them. */
async function startAdapters(): Promise<ProvidersHostOps> {
  const folder = await mkdtemp(join(tmpdir(), 'careen-contract-'));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  await writeOperatorKubeconfig(cluster, join(folder, 'kubeconfig'));
  const config = connect(join(folder, 'kubeconfig'));
  const common = { config, now: Date.now, log: quiet };
  const jobs = new HostJobs(common);
  const kubernetes = new KubernetesHostOps(config, quiet, Date.now, OPERATOR_NAMESPACE, jobs);
  const openstack = new OpenStackHostOps({ ...common, namespace: OPERATOR_NAMESPACE, jobs });
  closing.push(() => kubernetes.stop());
  closing.push(async () => openstack.stop());
  await kubernetes.start();
  return new ProvidersHostOps({ kubernetes, openstack });
}

const features = { joins: false, taints: false, budgets: false, signedLocks: true };

hostOpsContract('The adapter for compute hosts of an OpenStack', makeFixture, features);

async function makeFixture(): Promise<ContractFixture> {
  cases += 1;
  const name = `case-${String(cases)}`;
  const scope = poolOf({ case: name });
  const remote = { cloud: keyOfCloud(providerOf(scope)), address: undefined, facts: {} };
  const { common, forbidPods, remove } = await clusterSide(cluster, ops, name, remote);
  const hosts: string[] = [];
  /** Where each server was booted. */
  const homes = new Map<string, string>();
  return {
    ...common,
    ops,
    scope,
    providerOf: (labels) => poolOf(labels).provider,
    factsWith: (labels) => Object.fromEntries(inNova(labels).map(([key, value]) => [`labels.${key}`, value])),
    addHost: async (_, { labels = {}, failing = false, stuck = false } = {}) => {
      if (stuck) await forbidPods();
      if (failing) await steerJobs(`exit-${String(EXIT_CODE)}`);
      const host = await lent.lend({ ...Object.fromEntries(inNova(labels, '')), case: name });
      hosts.push(host);
      await untilMember(scope, host);
      return host;
    },
    addPod: async (host, server) => {
      const { id: uid } = await admin.bootServer(server, { host });
      homes.set(uid, host);
      return { uid, namespace: admin.project, name: server };
    },
    podExists: async ({ uid }) => (await admin.server(uid)).host === homes.get(uid),
    setReady: (host, ready) => lent.setPower(host, ready),
    taint: async () => Promise.reject(new Error('a compute host has no taints')),
    report: async () => Promise.reject(new Error('a compute host has no conditions')),
    close: (host) => lent.setEnabled(host, false),
    open: (host) => lent.setEnabled(host, true),
    editClaim: async (host) => {
      const [lease] = await claimsOn([host]);
      const claim = lease?.metadata?.annotations?.[CLAIM_ANNOTATION]?.replace(
        '"closedToNewWorkBefore":false',
        '"closedToNewWorkBefore":true',
      );
      await mergePatch(cluster, leaseNamed(lease), {
        metadata: { annotations: { [CLAIM_ANNOTATION]: claim } },
      });
    },
    // Nova has no watches: without this the adapter looks at all hosts every 15 seconds.
    eventually: async (what, condition) => {
      const look = async (): Promise<boolean> => {
        if (condition()) return true;
        await ops.confirm(scope, hosts, signal);
        return condition();
      };
      await eventually(what, look, { ...LOOK_PAUSE, seconds: WAIT_SECONDS });
    },
    cleanup: async () => {
      await steerJobs(undefined);
      await Promise.all([...homes.keys()].map(removeServer));
      for (const lease of await claimsOn(hosts)) await removeObject(cluster, leaseNamed(lease));
      await Promise.all(hosts.map((host) => lent.takeBack(host)));
      await remove();
    },
  };
}

/** A pool of the hosts in an aggregate with this metadata. */
function poolOf(labels: Readonly<Record<string, string>>): Scope {
  const openstack = {
    identityRef: { name: SECRET, cloudName: 'lab' },
    hostSelector: Object.fromEntries(inNova(labels)),
  };
  const spec = hostPoolSpec.parse({ provider: { openstack }, roles, maxUnavailable: 1 });
  return {
    pool: labels['case'] ?? 'pool',
    provider: spec.provider,
    before: [],
    roles: spec.roles,
    health: spec.health,
  };
}

/** Labels as metadata of an aggregate, the keys of which may have no slash. */
function inNova(
  labels: Readonly<Record<string, string>>,
  prefix = 'metadata/',
): (readonly [string, string])[] {
  return Object.entries(labels).map(([key, value]) => [`${prefix}${key.split('/').at(-1) ?? ''}`, value]);
}

/** Waits until the adapter knows the host as one of the pool, as good as new. */
async function untilMember(scope: Scope, host: string): Promise<void> {
  const opened = ops.fleet(scope, () => undefined);
  await eventually(
    `${host} is in its pool`,
    async () => {
      for await (const _ of ops.inventory(scope, signal)) continue;
      await ops.confirm(scope, [host], signal);
      const facts = ops.view(scope).host(host);
      return facts?.isMember && facts.ready && !facts.closedToNewWork && facts.claim === undefined;
    },
    { ...LOOK_PAUSE, describe: () => ops.view(scope).host(host) },
  );
  opened.close();
}

/** How the pods of the Jobs end, all of them: they are not on the hosts. */
async function steerJobs(behaviour: string | undefined): Promise<void> {
  await mergePatch(cluster, NODE, {
    metadata: { annotations: { [BEHAVIOUR_ANNOTATION]: behaviour ?? null } },
  });
}

async function removeServer(id: string): Promise<void> {
  await admin.delete(`/servers/${id}`);
  const isGone = async (): Promise<boolean> =>
    admin.server(id).then(
      () => false,
      (error: unknown) => error instanceof AnswerError && error.status === 404,
    );
  await eventually(`server ${id} is gone`, isGone, LOOK_PAUSE);
}

async function claimsOn(hosts: readonly string[]): Promise<readonly V1Lease[]> {
  const leases = cluster.makeApiClient(CoordinationV1Api);
  const { items } = await leases.listNamespacedLease({
    namespace: OPERATOR_NAMESPACE,
    labelSelector: HOST_CLAIM_LABEL,
  });
  return items.filter(
    ({ metadata, spec }) =>
      hosts.includes(metadata?.annotations?.[HOST_ANNOTATION] ?? '') && Boolean(spec?.holderIdentity),
  );
}

function leaseNamed(lease: V1Lease | undefined): Manifest {
  const name = lease?.metadata?.name ?? '';
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace: OPERATOR_NAMESPACE },
  };
}
