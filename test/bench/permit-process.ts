/**
 * One of the processes of test/bench/permits.ts. Each of its runs takes and
 * releases permits in a loop. It also watches the pools, as an operator does.
 *
 *     node test/bench/permit-process.ts KUBECONFIG VARIANT OUTAGES RUN...
 *
 * Prints `ready`, begins at the line `go`, prints `done` with its counts, and ends
 * with its input.
 */
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { OperatorShell } from '../../src/controllers/runtime/shell.ts';
import { GROUP, VERSION } from '../../src/crds/names.ts';
import { PooledKubeConfig } from '../../src/kube/client.ts';
import { permitStore, type Variant } from './permit-stores.ts';

/** Another writer was first, or a test of a JSON patch failed. */
const CONFLICTS = [409, 422];
const LIMIT_MILLISECONDS = 60_000;

const [kubeconfig = '', variantText = '', outagesText = '', ...runs] = process.argv.slice(2);
// A cast: the parent process wrote the text.
const variant = JSON.parse(variantText) as Variant;
const outages = Number(outagesText);

const counted = { reads: 0, writes: 0, conflicts: 0, watchEvents: 0 };
const config = new PooledKubeConfig();
config.loadFromFile(kubeconfig);
config.onAnswer = (verb, code) => {
  if (verb === 'get') counted.reads += 1;
  if (verb !== 'create' && verb !== 'patch' && verb !== 'delete') return;
  counted.writes += 1;
  if (CONFLICTS.some((each) => each === code)) counted.conflicts += 1;
};

class PoolWatch extends OperatorShell {
  protected override async init(): Promise<void> {
    const changesAs = variant.store === 'plain' ? 'object' : 'metadata';
    const count = async (): Promise<void> => void (counted.watchEvents += 1);
    await this.watchResource(GROUP, VERSION, 'hostpools', count, undefined, { changesAs });
  }
}
const log = { info: () => undefined, warn: (fields: object, text: string) => console.error(text, fields) };
await new PoolWatch({ config, log, clock: Date.now }).start();
const store = await permitStore(variant, config);
const grantMilliseconds: number[] = [];

/** One run: each pass reads the pool, as the pass of an operator does, and then requests a permit. */
async function makeOutages(run: string): Promise<void> {
  const startedAt = performance.now();
  for (let i = 0; i < outages && performance.now() - startedAt < LIMIT_MILLISECONDS; i += 1) {
    const host = `worker-${run.slice(0, 8)}-${String(i).padStart(4, '0')}.example.com`;
    await store.readPool();
    const asked = performance.now();
    await store.take(run, host);
    grantMilliseconds.push(performance.now() - asked);
    await store.readPool();
    await store.releaseHealthyHosts(run, host);
  }
}

console.log(JSON.stringify({ event: 'ready' }));
for await (const line of createInterface(process.stdin)) {
  if (line !== 'go') throw new Error(`unknown command ${line}`);
  Object.assign(counted, { reads: 0, writes: 0, conflicts: 0, watchEvents: 0 });
  await Promise.all(runs.map(makeOutages));
  console.log(JSON.stringify({ event: 'done', ...counted, grantMilliseconds }));
}
process.exit(0); // its watch would keep the process running
