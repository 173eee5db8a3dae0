/**
 * One of the processes of test/bench/permits.ts: runs that all take a permit and
 * give it back, again and again, beside the watch of the pools that an operator
 * has.
 *
 *     node test/bench/permit-process.ts KUBECONFIG VARIANT OUTAGES RUN...
 *
 * Says `ready`, begins with the line `go`, says `done` with what it counted, and
 * ends with its input.
 */
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { OperatorShell } from '../../src/controllers/runtime/shell.ts';
import { GROUP, VERSION } from '../../src/crds/names.ts';
import { PooledKubeConfig } from '../../src/kube/client.ts';
import { permitStore, type Variant } from './permit-stores.ts';

/** Somebody else wrote, or what a JSON patch tests is not so any more. */
const CONFLICTS = [409, 422];
const LIMIT_MILLISECONDS = 60_000;

const [kubeconfig = '', variantText = '', outagesText = '', ...runs] = process.argv.slice(2);
// The parent has written it.
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
    await this.watchResource(GROUP, VERSION, 'hostpools', count, undefined, changesAs);
  }
}
const log = { info: () => undefined, warn: (fields: object, text: string) => console.error(text, fields) };
await new PoolWatch({ config, log, clock: Date.now }).start();
const store = await permitStore(variant, config);
const grantMilliseconds: number[] = [];

/** One run: its passes read the pool, as those of an operator do, and then ask. */
async function makeOutages(run: string): Promise<void> {
  const startedAt = performance.now();
  for (let i = 0; i < outages && performance.now() - startedAt < LIMIT_MILLISECONDS; i += 1) {
    const host = `worker-${run.slice(0, 8)}-${String(i).padStart(4, '0')}.example.com`;
    await store.look();
    const asked = performance.now();
    await store.take(run, host);
    grantMilliseconds.push(performance.now() - asked);
    await store.look();
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
process.exit(0); // its watch would go on
