/**
 * The demonstration: a whole patch strategy on a real control plane with twelve
 * simulated nodes. `KEEP=1` keeps everything running at the end, and prints what
 * to try next.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readManifests } from '../test/support/controlplane/apply.ts';
import { ROOT, startDemoCluster, type DemoCluster } from './demo/cluster.ts';
import { untilBuilt } from './demo/meanwhile.ts';
import { say } from './demo/print.ts';
import { runStrategy } from './demo/run-strategy.ts';
import { printTryNext } from './demo/try-next.ts';

const folder = await mkdtemp(join(tmpdir(), 'careen-demo-'));
const closing: (() => Promise<void>)[] = [];
process.once('SIGINT', () => void close().then(() => process.exit(130)));
try {
  say('a whole patch run on a real control plane: about a minute, once its programs are built');
  await untilBuilt(console.log);
  const cluster = await startDemoCluster(folder, closing, say);
  const state = await patchFleet(cluster);
  if (state !== 'applied') process.exitCode = 1;
  if (process.env['KEEP']) {
    printTryNext(cluster.kubeconfig);
    await stayUp();
  } else {
    console.log(
      'make demo KEEP=1 keeps such a cluster, and shows what to try in it: another kernel, a blocked drain…',
    );
  }
} finally {
  await close();
}

/** Applies the example and shows it to its end; returns the state in which it ended. */
async function patchFleet(cluster: DemoCluster): Promise<string | undefined> {
  say('applying examples/patch-strategy.yaml');
  const [strategy] = await readManifests(join(ROOT, 'examples', 'patch-strategy.yaml'));
  if (!strategy) throw new Error('examples/patch-strategy.yaml is empty');
  return runStrategy(cluster, strategy);
}

async function stayUp(): Promise<void> {
  await new Promise(() => setInterval(() => undefined, 60_000));
}

async function close(): Promise<void> {
  for (const each of closing.splice(0).reverse()) await each();
  await rm(folder, { recursive: true, force: true });
}
