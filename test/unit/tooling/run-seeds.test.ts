import { describe, expect, it } from 'vitest';
import { hasBroken, runSeeds } from '../../simulation/run-seeds.ts';
import type { SeedResult } from '../../simulation/run-seed.ts';

/** Answers each seed with no complaint, and ends itself by an error at seed 2. */
const WORKER = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads';
    parentPort.on('message', (seed) => {
      if (seed === 2) throw new Error('no such object');
      parentPort.postMessage({ seed, complaints: [] });
    });
  `)}`,
);

describe('a range of seeds', () => {
  it('goes on after a seed that ends its worker by an error, which is the complaint of that seed', async () => {
    const results: SeedResult[] = [];
    await runSeeds([1, 5], (result) => results.push(result), { worker: WORKER });
    results.sort((a, b) => a.seed - b.seed);
    expect(results.map(({ seed, complaints }) => [seed, complaints])).toEqual([
      [1, []],
      [2, ['the simulator broke: Error: no such object']],
      ...[3, 4, 5].map((seed) => [seed, []]),
    ]);
    expect(results.map((result) => hasBroken(result))).toEqual([false, true, false, false, false]);
  });
});
