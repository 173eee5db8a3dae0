/**
 * One sample of the planner's benchmark, in a process of its own. Makes one plan
 * to warm up, then measures one: from the inventory in memory to plan and digest.
 * Prints a JSON line.
 *
 *     node --expose-gc test/bench/planner-sample.ts FAMILY HOSTS
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { z } from 'zod';
import { buildVim } from '../../src/planner/vim/build.ts';
import { FAMILIES, fleetRequest } from './planner-fleets.ts';

const [family, hosts] = z
  .tuple([z.enum(FAMILIES), z.coerce.number().int().min(1)])
  .parse(process.argv.slice(2));

const request = fleetRequest(family, hosts);
// The most thorough collection. Otherwise the plan would reuse memory of the fleet, which is not counted.
globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
const loadedBytes = process.memoryUsage.rss();
forgetPeak();

buildVim('vim-2024', request);
const begun = performance.now();
const { stages, digest } = buildVim('vim-2024', request);
const milliseconds = performance.now() - begun;

const megabytes = (peakBytes() - loadedBytes) / 1e6;
console.log(JSON.stringify({ digest, stages: stages.length, milliseconds, megabytes }));

/** Resets the peak that the kernel measures. On systems other than Linux the peak includes making the fleet. */
function forgetPeak(): void {
  if (process.platform === 'linux') writeFileSync('/proc/self/clear_refs', '5');
}

function peakBytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  const kibibytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kibibytes) * 1024;
}
