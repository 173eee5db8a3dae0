/**
 * Measures strategies on compute hosts: a real Nova with simulated hypervisors, and the operator's own process. Servers
 * move live, each for some seconds. Hosts one after another, one server at a time, are compared with five hosts at once,
 * with one and with four servers at a time from each.
 *
 *     node test/bench/openstack.ts [HOSTS] [SERVERS]     (20 hosts, 200 servers)
 *
 * Requests are all that Nova answered during a run: nobody but Careen asks it then. A server may move more than once,
 * since hosts that are still to come take it in; so costs are by move.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { HOSTS_NAMESPACE } from '../../src/crds/names.ts';
import { Fleet } from '../e2e/cluster.ts';
import { apply } from '../support/controlplane/apply.ts';
import { connect, startControlPlane } from '../support/controlplane/controlplane.ts';
import { startHostStandin } from '../support/hosts/start-host-standin.ts';
import { createNodes } from '../support/hosts/simulated-nodes.ts';
import { Admin } from '../support/openstack/admin.ts';
import { cloudSecret, openstackRights, SECRET } from '../support/openstack/cloud-secret.ts';
import { startOpenStack, type OpenStack } from '../support/openstack/openstack.ts';
import {
  allowJobs,
  installCareen,
  startOperator,
  writeOperatorKubeconfig,
  type RunningOperator,
} from '../support/operator/operator.ts';
import { QUICK } from '../support/operator/strategies.ts';

/** How long a live migration takes in the simulated hypervisor. */
const MOVE_SECONDS = 3;
const BOOTS_AT_ONCE = 8;
const AT_ONCE = 5;
/** So many hosts show what one at a time costs. */
const SERIAL_HOSTS = 2;
const RUN_SECONDS = 1_800;
/** What is to be reached: requests to Nova, and the time against one server at a time. */
const GOALS = { perMove: 6, perHost: 12, ratio: 1 / 3 };

type Variant = {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly hostsAtOnce: number;
  readonly serversAtOnce: number;
};
type Surroundings = { readonly admin: KubeConfig; readonly operator: RunningOperator };
type Result = {
  readonly variant: string;
  readonly hosts: number;
  readonly moves: number;
  readonly seconds: number;
  readonly secondsPerMove: number;
  readonly requests: number;
  readonly requestsPerMove: number;
  readonly requestsPerHost: number;
};

const [hostCount = 20, serverCount = 200] = process.argv.slice(2).map(Number);
const closing: (() => Promise<unknown>)[] = [];
try {
  const openStack = await startOpenStack({ hosts: hostCount });
  closing.push(() => openStack.stop());
  const admin = await Admin.logIn(openStack);
  await admin.raiseQuota();
  await bootServers(admin, openStack.hosts);
  const surroundings = await startCluster(openStack);
  // A host has one pool.
  const [end, half] = [SERIAL_HOSTS, Math.ceil((SERIAL_HOSTS + hostCount) / 2)];
  const serial = openStack.hosts.slice(0, end);
  const [first, second] = [openStack.hosts.slice(end, half), openStack.hosts.slice(half)];
  const variants: Variant[] = [
    { name: 'one-at-a-time', hosts: serial, hostsAtOnce: 1, serversAtOnce: 1 },
    { name: 'five-hosts', hosts: first, hostsAtOnce: AT_ONCE, serversAtOnce: 1 },
    { name: 'five-hosts-by-four', hosts: second, hostsAtOnce: AT_ONCE, serversAtOnce: 4 },
  ];
  const results: Result[] = [];
  for (const variant of variants) results.push(await measure(openStack, admin, surroundings, variant));
  report(results);
} finally {
  for (const close of closing.toReversed()) await close();
}

async function startCluster(openStack: OpenStack): Promise<Surroundings> {
  const folder = await mkdtemp(join(tmpdir(), 'careen-bench-'));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const plane = await startControlPlane();
  closing.push(() => plane.stop());
  const cluster = connect(plane.kubeconfig);
  await installCareen(cluster);
  await allowJobs(cluster, HOSTS_NAMESPACE);
  await apply(cluster, cloudSecret(openStack), ...(await openstackRights()));
  const standin = await startHostStandin(cluster, { patches: { firmware: {} }, workSeconds: 0.2 });
  closing.push(() => standin.stop());
  // The Jobs of compute hosts run on any node.
  await createNodes(cluster, [{ name: 'runner' }]);
  const kubeconfig = join(folder, 'kubeconfig');
  await writeOperatorKubeconfig(cluster, kubeconfig);
  const operator = await startOperator(kubeconfig, { environment: { CAREEN_LEASE_SECONDS: '60' } });
  closing.push(() => operator.stop());
  return { admin: cluster, operator };
}

async function bootServers(admin: Admin, hosts: readonly string[]): Promise<void> {
  const metadata = { 'testbed:live-migration-seconds': String(MOVE_SECONDS) };
  const all = Array.from({ length: serverCount }, (_, i) => i);
  for (let i = 0; i < all.length; i += BOOTS_AT_ONCE)
    await Promise.all(
      all
        .slice(i, i + BOOTS_AT_ONCE)
        .map(async (each) =>
          admin.bootServer(`server-${String(each)}`, { host: hosts[each % hosts.length] ?? '', metadata }),
        ),
    );
}

async function measure(
  openStack: OpenStack,
  admin: Admin,
  surroundings: Surroundings,
  { name, hosts, hostsAtOnce, serversAtOnce }: Variant,
): Promise<Result> {
  await admin.createAggregate(name, hosts);
  const before = await completedMoves(admin);
  await apply(surroundings.admin, {
    ...{ apiVersion: 'careen.dev/v1alpha1', kind: 'HostPool', metadata: { name } },
    spec: {
      provider: {
        openstack: {
          identityRef: { name: SECRET, cloudName: 'lab' },
          hostSelector: { [`aggregate/${name}`]: 'member' },
          ...{ maxMigrationsPerHost: serversAtOnce, maxMigrations: 100 },
        },
      },
      maxUnavailable: hostsAtOnce,
    },
  });
  const job = { template: { spec: { containers: [{ name: 'apply', image: 'registry.example.com/fw:1' }] } } };
  const strategy = {
    apiVersion: 'careen.dev/v1alpha1',
    kind: 'PatchStrategy',
    metadata: { name, namespace: HOSTS_NAMESPACE },
    spec: {
      ...{ patches: [{ id: 'firmware', rebootRequired: true, action: { job } }], reboot: { job } },
      ...{ timing: QUICK, workerApplyType: 'parallel', maxParallelWorkerHosts: hostsAtOnce },
    },
  };
  const fleet = new Fleet(surroundings, name, hosts, strategy);
  const answered = await answers(openStack);
  const beganAt = performance.now();
  await fleet.apply({ execution: { mode: 'Run' } });
  await fleet.until('the end', ({ state }) => state === 'applied', RUN_SECONDS);
  const seconds = (performance.now() - beganAt) / 1000;
  const requests = (await answers(openStack)) - answered;
  const moves = (await completedMoves(admin)) - before;
  return {
    ...{ variant: name, hosts: hosts.length, moves, seconds: rounded(seconds), requests },
    secondsPerMove: rounded(seconds / moves),
    requestsPerMove: rounded(requests / moves),
    requestsPerHost: rounded(requests / hosts.length),
  };
}

/** How many requests Nova has answered, by its log. */
async function answers({ dir }: OpenStack): Promise<number> {
  const log = await readFile(join(dir, 'logs', 'nova.log'), 'utf8');
  return log.split('\n').filter((line) => line.includes('nova.api.openstack.requestlog')).length;
}

async function completedMoves(admin: Admin): Promise<number> {
  const answer = await admin.get('/os-migrations?status=completed');
  return z.object({ migrations: z.array(z.unknown()) }).parse(answer).migrations.length;
}

function report(results: readonly Result[]): void {
  const columns = Object.keys(results[0] ?? {});
  console.log(`| ${columns.join(' | ')} |`);
  console.log(`| ${columns.map(() => '---').join(' | ')} |`);
  for (const result of results) console.log(`| ${Object.values(result).join(' | ')} |`);
  const [single, ...parallel] = results;
  const ratios = parallel.map(({ variant, secondsPerMove }) => ({
    ...{ variant, ratio: rounded(secondsPerMove / (single?.secondsPerMove ?? NaN)) },
  }));
  const setting = {
    benchmark: 'openstack',
    hosts: hostCount,
    servers: serverCount,
    moveSeconds: MOVE_SECONDS,
  };
  console.log(JSON.stringify({ ...setting, results, ratios, goals: GOALS }));
  console.log(ratios.map(({ variant, ratio }) => `${variant}: ${String(ratio)} of one at a time`).join(', '));
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
