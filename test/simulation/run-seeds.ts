/** Runs many seeds, on several processors. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SeedResult } from './run-seed.ts';

const WORKER = new URL('worker.ts', import.meta.url);

/** Tells of each seed when it has ended; ends early once `enough` says so. */
export async function runSeeds(
  [from, to]: readonly [number, number],
  told: (result: SeedResult) => void,
  enough: () => boolean = () => false,
): Promise<void> {
  let next = from;
  const work = async (): Promise<void> => {
    const worker = new Worker(WORKER);
    try {
      while (next <= to && !enough()) {
        const answer = nextMessage(worker);
        worker.postMessage(next++);
        told(await answer);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), to - from + 1) }, work));
}

async function nextMessage(worker: Worker): Promise<SeedResult> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
