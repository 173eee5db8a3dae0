/**
 * Measures the time of the engine for one whole run of twelve hosts on the
 * simulated adapter. Asserts nothing.
 *
 *     node test/bench/simulated-run.ts [ROUNDS]
 */
import { performance } from 'node:perf_hooks';
import { SimulatedRun } from '../unit/support/simulated-run.ts';

const HOSTS = 12;
const TARGET_MS = 20;
const WARM_UP = 20;
const rounds = Number(process.argv[2] ?? 200);

const samples: number[] = [];
let passes = 0;
for (let round = -WARM_UP; round < rounds; round += 1) {
  const hosts = Array.from({ length: HOSTS }, (_, i) => ({ name: `w-${String(i + 1)}` }));
  const begun = performance.now();
  const run = await SimulatedRun.start({ hosts, unchecked: true });
  for (const { name } of hosts) run.world.addPod({ host: name, name: `on-${name}` });
  await run.settle();
  if (run.run.state !== 'applied') throw new Error(`the run ended as ${run.run.state}`);
  if (round >= 0) samples.push(performance.now() - begun);
  passes = run.passes;
}

const sorted = samples.toSorted((a, b) => a - b);
const at = (share: number): number =>
  Number((sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(2));
const result = {
  benchmark: 'simulated-run',
  hosts: HOSTS,
  rounds,
  passes,
  medianMs: at(0.5),
  p99Ms: at(0.99),
  targetMs: TARGET_MS,
};
console.log('| benchmark | hosts | passes | median ms | p99 ms | target ms |');
console.log('| --- | --- | --- | --- | --- | --- |');
console.log(
  `| whole run, simulated | ${String(HOSTS)} | ${String(passes)} | ${String(result.medianMs)} | ${String(result.p99Ms)} | < ${String(TARGET_MS)} |`,
);
console.log(JSON.stringify(result));
