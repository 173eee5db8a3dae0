/**
 * The demonstration on compute hosts: examples/openstack carried out on a real OpenStack with simulated hypervisors, by an
 * operator of a real Kubernetes control plane.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { HOSTS_NAMESPACE, OPERATOR_NAMESPACE } from '../src/crds/names.ts';
import { apply, readManifests, type Manifest } from '../test/support/controlplane/apply.ts';
import { run } from '../test/support/controlplane/tools.ts';
import type { Admin } from '../test/support/openstack/admin.ts';
import type { OperatedCloud } from '../test/support/openstack/operated-cloud.ts';
import { ROOT } from './demo/cluster.ts';
import { startDemoCloud } from './demo/cloud.ts';
import { say } from './demo/print.ts';
import { runStrategy } from './demo/run-strategy.ts';

const EXAMPLE = join(ROOT, 'examples', 'openstack');
const CLAIMS = `custom-columns=HOST:.metadata.annotations.careen\\.dev/host,HOLDER:.spec.holderIdentity`;

let cloud: OperatedCloud | undefined;
process.once('SIGINT', () => void interrupt());
try {
  say('a whole patch run on compute hosts of a real OpenStack: two minutes, once it is installed');
  cloud = await startDemoCloud(say);
  const state = await patchHosts(cloud);
  if (state !== 'applied' || !(await isWhole(cloud.cloudAdmin))) process.exitCode = 1;
} finally {
  await cloud?.stop();
}

/** Carries out the example; returns the state in which it ended. */
async function patchHosts(cloud: OperatedCloud): Promise<string | undefined> {
  const { admin, cloudAdmin } = cloud;
  const { kubeconfig } = cloud.plane;
  await printHosts(cloudAdmin);
  say('applying examples/openstack');
  const [pool, strategy] = await Promise.all(['pool.yaml', 'strategy.yaml'].map(example));
  if (!pool || !strategy) throw new Error('examples/openstack has no pool or no strategy');
  await apply(admin, ...(await readManifests(join(EXAMPLE, 'playbooks.yaml'))), poolOf(pool, cloud));
  let hasShownLocks = false;
  const showLocks = async (): Promise<void> => {
    const services = await cloudAdmin.computeServices();
    if (hasShownLocks || services.every(({ status }) => status === 'enabled')) return;
    hasShownLocks = true;
    await printHosts(cloudAdmin);
    const leases = ['-n', OPERATOR_NAMESPACE, 'get', 'leases', '-l', 'careen.dev/host-claim', '-o', CLAIMS];
    await kubectl(kubeconfig, leases);
  };
  const state = await runStrategy(cloud, quickened(strategy), showLocks);
  await kubectl(kubeconfig, ['-n', HOSTS_NAMESPACE, 'get', 'strategy']);
  await kubectl(kubeconfig, ['get', 'hostpools']);
  await printHosts(cloudAdmin);
  return state;
}

async function example(file: string): Promise<Manifest> {
  const [manifest] = await readManifests(join(EXAMPLE, file));
  if (!manifest) throw new Error(`examples/openstack/${file} is empty`);
  return manifest;
}

/** The pool of the example, with the names that this cloud has. */
function poolOf(pool: Manifest, { openStack }: OperatedCloud): Manifest {
  const { spec } = z
    .looseObject({ spec: z.looseObject({ provider: z.looseObject({ openstack: z.looseObject({}) }) }) })
    .parse(pool);
  const identityRef = { name: 'careen-openstack', cloudName: 'lab' };
  const openstack = { ...spec.provider.openstack, identityRef, region: openStack.credentials.region };
  return { ...pool, spec: { ...spec, provider: { openstack } } };
}

/** The strategy of the example, without the waits that only real hosts need. */
function quickened(strategy: Manifest): Manifest {
  const { spec } = z.looseObject({ spec: z.looseObject({}) }).parse(strategy);
  return { ...strategy, spec: { ...spec, timing: { settleSeconds: 1, stabilizeSeconds: 1 } } };
}

async function printHosts(admin: Admin): Promise<void> {
  console.log(`\n  ${'host'.padEnd(12)}${'service'.padEnd(10)}${'state'.padEnd(7)}servers`);
  for (const { host, status, state, disabledReason } of await admin.computeServices()) {
    const servers = (await admin.serversOn(host)).map(({ name, status }) => `${name} (${status})`).toSorted();
    console.log(`  ${host.padEnd(12)}${status.padEnd(10)}${state.padEnd(7)}${servers.join(', ')}`);
    if (disabledReason !== undefined) console.log(`    reason: ${disabledReason}`);
  }
  console.log('');
}

/** Whether all compute services are enabled and up, and all servers run. */
async function isWhole(admin: Admin): Promise<boolean> {
  const services = await admin.computeServices();
  const servers = (await Promise.all(services.map(async ({ host }) => admin.serversOn(host)))).flat();
  const well =
    services.every(({ status, state }) => status === 'enabled' && state === 'up') &&
    servers.every(({ status }) => status === 'ACTIVE');
  console.log(
    `${String(services.length)} services, ${String(servers.length)} servers: ${well ? 'all are well' : 'not all are well'}`,
  );
  return well;
}

async function kubectl(kubeconfig: string, args: readonly string[]): Promise<void> {
  console.log(`  kubectl ${args.join(' ')}\n`);
  const output = await run('kubectl', ['--kubeconfig', kubeconfig, ...args]);
  console.log(output.replaceAll(/^(?=.)/gm, '  '));
}

async function interrupt(): Promise<never> {
  await cloud?.stop();
  process.exit(130);
}
