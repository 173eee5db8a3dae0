/** Runs many seeds, on several processors. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SeedResult } from './run-seed.ts';

export type RunSeedsOptions = {
  /** Ends early once this returns true. */
  readonly enough?: () => boolean;
  /** The file of the worker that answers a seed with its result, and the data for it. */
  readonly worker?: URL;
  readonly workerData?: unknown;
};

/** Reports each seed when it has ended. */
export async function runSeeds(
  [from, to]: readonly [number, number],
  onResult: (result: SeedResult) => void,
  {
    enough = () => false,
    worker: file = new URL('worker.ts', import.meta.url),
    workerData,
  }: RunSeedsOptions = {},
): Promise<void> {
  let next = from;
  const work = async (): Promise<void> => {
    const worker = new Worker(file, { workerData });
    try {
      while (next <= to && !enough()) onResult(await answerOf(worker, next++));
    } finally {
      await worker.terminate();
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
