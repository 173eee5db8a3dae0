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

/** A seed makes much that lives shortly. Measured: with more room for it, the collector takes half as long. */
const ROOM = { maxYoungGenerationSizeMb: 128 } as const;
const BROKE = 'the simulator broke';

/** Whether an error ended the seed. To run it again in this process may end the process, too. */
export function hasBroken({ complaints }: SeedResult): boolean {
  return complaints[0]?.startsWith(BROKE) === true;
}

/** Reports each seed when it has ended. A seed that ends its worker by an error has failed; the others go on. */
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
    let worker = new Worker(file, { workerData, resourceLimits: ROOM });
    try {
      while (next <= to && !enough()) {
        const seed = next++;
        try {
          onResult(await answerOf(worker, seed));
        } catch (error) {
          onResult(brokenSeed(seed, error));
          worker = new Worker(file, { workerData, resourceLimits: ROOM });
        }
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), to - from + 1) }, work));
}

function brokenSeed(seed: number, error: unknown): SeedResult {
  const complaints = [`${BROKE}: ${String(error)}`];
  return {
    ...{ seed, hosts: 0, faults: {}, isCalm: false, crashes: [], complaints },
    ...{ states: [], upgrades: undefined, virtualMs: 0, revision: 0, migrations: undefined },
    maintained: undefined,
  };
}

async function answerOf(worker: Worker, seed: number): Promise<SeedResult> {
  return new Promise((resolve, reject) => {
    const ended = (act: () => void): void => {
      worker.off('message', answered).off('error', failed);
      act();
    };
    const answered = (result: SeedResult): void => ended(() => resolve(result));
    const failed = (error: Error): void => ended(() => reject(error));
    worker.on('message', answered).on('error', failed);
    worker.postMessage(seed);
  });
}
