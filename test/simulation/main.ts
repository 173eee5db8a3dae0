import { runSeed } from './run-seed.ts';

const [from = 1, to = from] = (process.env['SEEDS'] ?? '1-10').split('-').map(Number);
const verbose = process.env['VERBOSE'] === '1';
let passed = 0;
let failed = 0;
const began = process.hrtime.bigint();
const states: Record<string, number> = {};
for (let seed = from; seed <= to; seed += 1) {
  const result = await runSeed(
    seed,
    verbose ? { tell: (time, line) => console.log(`${(time / 1000).toFixed(3).padStart(10)} ${line}`) } : {},
  );
  for (const state of result.states) states[state] = (states[state] ?? 0) + 1;
  if (result.complaints.length > 0) {
    failed += 1;
    console.log(`seed ${seed}: ${result.complaints[0]}`);
  } else passed += 1;
}
console.log(states, Number(process.hrtime.bigint() - began) / 1e6 / (to - from + 1), 'ms a seed');
console.log(`${passed} passed, ${failed} failed`);
