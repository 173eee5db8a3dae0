/** Runs the seeds that it receives, one after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { runSeed, WORLDS, type World } from './run-seed.ts';
import { at } from './world/api-server.ts';

// Every cancelled request makes an error; nobody reads its stack here.
Error.stackTraceLimit = 0;

const given: unknown = at(workerData, 'worlds');
// A cast: whoever starts this file names worlds that there are.
const worlds = Array.isArray(given) ? (given as readonly World[]) : WORLDS;

parentPort?.on('message', (seed: number) => {
  void runSeed(seed, undefined, worlds).then((result) => parentPort?.postMessage(result));
});
