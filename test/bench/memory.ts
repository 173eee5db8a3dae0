/**
 * Measures the memory of the operator as it is in the image, with the environment of the Deployment: after a start that
 * lists in pages, after one that lists as a stream, and over a run that drains, reboots and patches all nodes, a tenth at
 * a time. On a real API server with simulated nodes; the pods are spread over them. Asserts nothing.
 *
 *     node test/bench/memory.ts [NODES:PODS...]
 *
 * `heap` is what JavaScript used at most, garbage included; the other figures are the resident set of the process, of
 * which `file` is mostly Node's own code, which replicas on one host share. Above 500 nodes there is no run.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AppsV1Api } from '@kubernetes/client-node';
import { bundle } from '../../scripts/image/bundle.ts';
import { Cluster } from '../e2e/cluster.ts';
import { apply } from '../support/controlplane/apply.ts';
import { createNodes } from '../support/hosts/simulated-nodes.ts';
import { eventually } from '../support/eventually.ts';
import { deployedContainer } from '../support/operator/deployed.ts';
import { readMetrics } from '../support/operator/metrics.ts';
import { startOperator, type RunningOperator } from '../support/operator/operator.ts';

const SIZES = ['0:0', '100:1000'];
const MOST_NODES_OF_A_RUN = 500;
const APPLICATIONS = 10;
const IDLE_SECONDS = 10;
const RUN_SECONDS = 1800;
const NODES_SECONDS = 600;
const SAMPLE_MILLISECONDS = 500;
const MIB = 1024 * 1024;

type Start = (kubeconfig: string) => Promise<RunningOperator>;
type Starts = { readonly pages: Start; readonly stream: Start };

const folder = await mkdtemp(join(tmpdir(), 'careen-memory-'));
try {
  const { environment, memoryLimit } = await deployedContainer();
  const starts = { pages: await starter('test/bench/in-pages.ts'), stream: await starter('src/main.ts') };
  const results: Record<string, number | string>[] = [];
  for (const size of process.argv.length > 2 ? process.argv.slice(2) : SIZES) {
    const [nodes = 0, pods = 0] = size.split(':').map(Number);
    const result = await measure(nodes, pods, starts);
    console.error(result);
    results.push(result);
  }
  const columns = Object.keys(results[0] ?? {});
  console.log(`| ${columns.join(' | ')} |`);
  console.log(`| ${columns.map(() => '---').join(' | ')} |`);
  for (const result of results) console.log(`| ${Object.values(result).join(' | ')} |`);
  console.log(JSON.stringify({ benchmark: 'memory', environment, memoryLimit, results }));
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Bundles an entry, and starts it in the environment of the Deployment. */
async function starter(entry: string): Promise<Start> {
  const main = join(folder, `${basename(entry, '.ts')}.mjs`);
  await writeFile(main, (await bundle(entry)).code);
  const { NODE_OPTIONS = '', MALLOC_ARENA_MAX = '' } = (await deployedContainer()).environment;
  return (kubeconfig) => startOperator(kubeconfig, { main, environment: { NODE_OPTIONS, MALLOC_ARENA_MAX } });
}

async function measure(
  nodes: number,
  pods: number,
  { pages, stream }: Starts,
): Promise<Record<string, number | string>> {
  const cluster = await Cluster.start(stream, []);
  try {
    await createNodes(
      cluster.admin,
      nodesNamed('other', Math.max(nodes - MOST_NODES_OF_A_RUN, 0)),
      NODES_SECONDS,
    );
    const fleet = await cluster.fleet('bench', Math.min(nodes, MOST_NODES_OF_A_RUN), '10%');
    if (pods > 0) await runPods(cluster, pods);
    const inPages = await measureStart(cluster, pages);
    const streamed = await measureStart(cluster, stream);
    const starts = {
      ...{ 'pages: ready s': inPages.ready, 'stall ms': inPages.stall, 'peak MiB': inPages.peak },
      ...{ 'stream: ready s': streamed.ready, 'stall ms ': streamed.stall, 'peak MiB ': streamed.peak },
    };
    const idle = { nodes, pods, ...starts, 'idle MiB': streamed.rss, 'of it file': streamed.file };
    if (nodes === 0 || nodes > MOST_NODES_OF_A_RUN) return { ...idle, 'run: peak MiB': '', 'heap MiB': '' };
    await fleet.apply({
      ...{ workerApplyType: 'parallel', maxParallelWorkerHosts: nodes, execution: { mode: 'Run' } },
    });
    const heap = await highestHeap(cluster.operator, fleet.untilState('applied', RUN_SECONDS));
    return { ...idle, 'run: peak MiB': (await memoryOf(cluster.operator.pid)).peak, 'heap MiB': heap };
  } finally {
    await cluster.stop();
  }
}

/** Replaces the operator of the cluster. `ready` is the time from the start of the process until it leads and works. */
async function measureStart(
  cluster: Cluster,
  start: Start,
): Promise<Memory & { ready: number; stall: number }> {
  await cluster.operator.stop();
  const startedAt = performance.now();
  cluster.operator = await start(cluster.operatorKubeconfig);
  const ready = Math.round((performance.now() - startedAt) / 100) / 10;
  const { value } = await readMetrics(cluster.operator.address() ?? '');
  const stall = Math.round(value('nodejs_eventloop_lag_max_seconds') * 1000);
  await delay(IDLE_SECONDS * 1000);
  return { ...(await memoryOf(cluster.operator.pid)), ready, stall };
}

function nodesNamed(prefix: string, count: number): { name: string }[] {
  return Array.from({ length: count }, (_, i) => ({ name: `${prefix}-${String(i)}` }));
}

/** Applications whose pods run on all nodes. */
async function runPods({ admin }: Cluster, pods: number): Promise<void> {
  const namespace = 'default';
  for (let i = 0; i < APPLICATIONS; i++) {
    const labels = { app: `app-${String(i)}` };
    const containers = [{ name: 'app', image: 'registry.example.com/app:1' }];
    await apply(admin, {
      ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: labels.app, namespace } },
      spec: {
        replicas: Math.ceil(pods / APPLICATIONS),
        ...{ selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
      },
    });
  }
  const apps = admin.makeApiClient(AppsV1Api);
  const ready = async (): Promise<boolean> => {
    const { items } = await apps.listNamespacedDeployment({ namespace });
    return items.every(({ spec, status }) => status?.readyReplicas === spec?.replicas);
  };
  await eventually('all pods run', ready, { seconds: RUN_SECONDS });
}

type Memory = { readonly rss: number; readonly file: number; readonly peak: number };

async function memoryOf(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  const mebibytes = (field: string): number =>
    Math.round((Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024) / MIB);
  return { rss: mebibytes('VmRSS'), file: mebibytes('RssFile'), peak: mebibytes('VmHWM') };
}

/** The highest use of the heap until something has come about. */
async function highestHeap(operator: RunningOperator, done: Promise<unknown>): Promise<number> {
  const ended = done.then(() => true);
  let highest = 0;
  do {
    const { value } = await readMetrics(operator.address() ?? '');
    highest = Math.max(highest, value('nodejs_heap_size_used_bytes'));
  } while (!(await Promise.race([ended, delay(SAMPLE_MILLISECONDS, false)])));
  return Math.round(highest / MIB);
}
