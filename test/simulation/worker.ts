/** Runs the seeds that it receives, one after another. */
import { parentPort } from 'node:worker_threads';
import { runSeed } from './run-seed.ts';

// Every cancelled request makes an error; nobody reads its stack here.
Error.stackTraceLimit = 0;

parentPort?.on('message', (seed: number) => {
  void runSeed(seed).then((result) => parentPort?.postMessage(result));
});
