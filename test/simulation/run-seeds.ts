/** Runs many seeds, on several processors. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SeedResult } from './run-seed.ts';

/** Operators that were killed leave promises behind that never settle: a worker keeps over a megabyte of each seed. */
const SEEDS_A_WORKER = 250;

export type RunSeedsOptions = {
  /** Ends early once this says so. */
  readonly enough?: () => boolean;
  /** The file that answers a seed with its result, and what it is given. */
  readonly worker?: URL;
  readonly workerData?: unknown;
};

/** Tells of each seed when it has ended. */
export async function runSeeds(
  [from, to]: readonly [number, number],
  told: (result: SeedResult) => void,
  {
    enough = () => false,
    worker: file = new URL('worker.ts', import.meta.url),
    workerData,
  }: RunSeedsOptions = {},
): Promise<void> {
  let next = from;
  const goesOn = (): boolean => next <= to && !enough();
  const workFor = async (worker: Worker): Promise<void> => {
    for (let done = 0; done < SEEDS_A_WORKER && goesOn(); done += 1) {
      const seed = next;
      next += 1;
      told(await answerOf(worker, seed));
    }
  };
  const work = async (): Promise<void> => {
    while (goesOn()) {
      const worker = new Worker(file, { workerData });
      await workFor(worker).finally(() => worker.terminate());
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), to - from + 1) }, work));
}

async function answerOf(worker: Worker, seed: number): Promise<SeedResult> {
  return new Promise((resolve, reject) => {
    const ended = (act: () => void): void => {
      worker.off('message', answered).off('error', failed);
      act();
    };
    const answered = (result: SeedResult): void => ended(() => resolve(result));
    const failed = (error: unknown): void =>
      ended(() => reject(new Error(`seed ${String(seed)} broke the simulator`, { cause: error })));
    worker.on('message', answered).on('error', failed);
    worker.postMessage(seed);
  });
}
