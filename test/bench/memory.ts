/**
 * Measures the memory of the operator as it is in the image, with the heap limit of the Deployment: idle, and over a run
 * that drains, reboots and patches all nodes, a tenth at a time. On a real API server with simulated nodes; the pods
 * are spread over them. Asserts nothing.
 *
 *     node test/bench/memory.ts [NODES:PODS...]
 *
 * `heap` is what JavaScript used at most, garbage included; the other figures are the resident set of the process, of
 * which `file` is mostly Node's own code, which replicas on one host share.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AppsV1Api } from '@kubernetes/client-node';
import { bundle } from '../../scripts/image/bundle.ts';
import { Cluster } from '../e2e/cluster.ts';
import { apply } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import { deployedContainer } from '../support/operator/deployed.ts';
import { readMetrics } from '../support/operator/metrics.ts';
import { startOperator, type RunningOperator } from '../support/operator/operator.ts';

const SIZES = ['12:100', '100:1000'];
const APPLICATIONS = 10;
const IDLE_SECONDS = 10;
const RUN_SECONDS = 1800;
const SAMPLE_MILLISECONDS = 500;
const MIB = 1024 * 1024;

const folder = await mkdtemp(join(tmpdir(), 'careen-memory-'));
try {
  const main = join(folder, 'careen.mjs');
  await writeFile(main, (await bundle('src/main.ts')).code);
  const { options, memoryLimit } = await deployedContainer();
  const results = [];
  for (const size of process.argv.length > 2 ? process.argv.slice(2) : SIZES) {
    const [nodes = 0, pods = 0] = size.split(':').map(Number);
    const result = await measure(nodes, pods, (kubeconfig) =>
      startOperator(kubeconfig, { main, environment: { NODE_OPTIONS: options } }),
    );
    console.error(result);
    results.push(result);
  }
  const columns = Object.keys(results[0] ?? {});
  console.log(`| ${columns.join(' | ')} |`);
  console.log(`| ${columns.map(() => '---').join(' | ')} |`);
  for (const result of results) console.log(`| ${Object.values(result).join(' | ')} |`);
  console.log(JSON.stringify({ benchmark: 'memory', options, memoryLimit, results }));
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measure(
  nodes: number,
  pods: number,
  start: (kubeconfig: string) => Promise<RunningOperator>,
): Promise<Record<string, number>> {
  const cluster = await Cluster.start(start, []);
  try {
    const fleet = await cluster.fleet('bench', nodes, '10%');
    await runPods(cluster, pods);
    await delay(IDLE_SECONDS * 1000);
    const idle = await memoryOf(cluster.operator.pid);
    await fleet.apply({
      ...{ workerApplyType: 'parallel', maxParallelWorkerHosts: nodes, execution: { mode: 'Run' } },
    });
    const heap = await highestHeap(cluster.operator, fleet.untilState('applied', RUN_SECONDS));
    const after = await memoryOf(cluster.operator.pid);
    return {
      ...{ nodes, pods, 'idle MiB': idle.rss, 'of it file': idle.file, 'after a run MiB': after.rss },
      ...{ 'peak MiB': after.peak, 'heap MiB': heap },
    };
  } finally {
    await cluster.stop();
  }
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

async function memoryOf(
  pid: number,
): Promise<{ readonly rss: number; readonly file: number; readonly peak: number }> {
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
