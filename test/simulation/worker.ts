/** Runs the seeds that it is told, one after another. */
import { parentPort } from 'node:worker_threads';
import { runSeed } from './run-seed.ts';

// Every request that is given up makes an error; nobody reads here where it was made.
Error.stackTraceLimit = 0;

parentPort?.on('message', (seed: number) => {
  void runSeed(seed).then((result) => parentPort?.postMessage(result));
});
