/**
 * The demonstration: a whole patch strategy on a real control plane with twelve
 * simulated nodes. `KEEP=1` keeps everything running at the end, and prints what
 * to try next.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { strategyStatus, type StrategyStatus } from '../src/crds/observed/strategy-status.ts';
import { apply, mergePatch, read, readManifests } from '../test/support/controlplane/apply.ts';
import { eventually } from '../test/support/eventually.ts';
import { ROOT, startDemoCluster, type DemoCluster } from './demo/cluster.ts';
import { untilBuilt } from './demo/meanwhile.ts';
import { printEnd, printPlan, printProgress, say } from './demo/print.ts';
import { printTryNext } from './demo/try-next.ts';

const STRATEGY_SECONDS = 300;

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
async function patchFleet({ admin, operator }: DemoCluster): Promise<string | undefined> {
  say('applying examples/patch-strategy.yaml');
  const [strategy] = await readManifests(join(ROOT, 'examples', 'patch-strategy.yaml'));
  if (!strategy) throw new Error('examples/patch-strategy.yaml is empty');
  await apply(admin, strategy);
  let seen: StrategyStatus = {};
  const observe = async (): Promise<StrategyStatus> => (seen = statusOf(await read(admin, strategy)));
  const describe = (): unknown => ({ message: seen.message, operator: operator.lines.slice(-3) });
  await eventually('a plan', async () => (await observe()).state === 'ready-to-apply', { describe });
  printPlan(seen);

  say('setting spec.execution.mode to Run');
  await mergePatch(admin, strategy, { spec: { execution: { mode: 'Run' } } });
  const printed = new Set<string>();
  await eventually(
    'the end of the strategy',
    async () => {
      printProgress((await observe()).applyPhase, printed);
      return ['applied', 'apply-failed', 'apply-timeout', 'aborted'].includes(seen.state ?? '');
    },
    { seconds: STRATEGY_SECONDS, describe },
  );
  printEnd(strategy, seen);
  return seen.state;
}

function statusOf(object: unknown): StrategyStatus {
  return z.looseObject({ status: strategyStatus.default({}) }).parse(object).status;
}

async function stayUp(): Promise<void> {
  await new Promise(() => setInterval(() => undefined, 60_000));
}

async function close(): Promise<void> {
  for (const each of closing.splice(0).reverse()) await each();
  await rm(folder, { recursive: true, force: true });
}
