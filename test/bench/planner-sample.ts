/**
 * One sample of the planner's benchmark, in a process of its own: from the
 * inventory in memory to plan and digest. Prints a JSON line.
 *
 *     node --expose-gc test/bench/planner-sample.ts FAMILY HOSTS
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { z } from 'zod';
import { digest } from '../../src/planner/digest.ts';
import { buildVim, type VimBuild } from '../../src/planner/vim/build.ts';
import { FAMILIES, fleetRequest } from './planner-fleets.ts';

const ROUNDS = 5;
const [family, hosts] = z
  .tuple([z.enum(FAMILIES), z.coerce.number().int().min(1)])
  .parse(process.argv.slice(2));

const request = fleetRequest(family, hosts);
globalThis.gc?.();
const loadedBytes = process.memoryUsage.rss();
forgetPeak();

const { stages } = plan();
const times = Array.from({ length: ROUNDS }, () => {
  const begun = performance.now();
  plan();
  return performance.now() - begun;
}).toSorted((a, b) => a - b);

const milliseconds = Number(times[Math.floor(ROUNDS / 2)]?.toFixed(2));
const megabytes = Math.round((peakBytes() - loadedBytes) / 1e6);
console.log(JSON.stringify({ family, hosts, stages: stages.length, milliseconds, megabytes }));

/** The digest covers stages, hosts, steps and timeouts, not the instances that happened to be there. */
function plan(): VimBuild {
  const build = buildVim('vim-2024', request);
  digest(
    build.stages.map(({ name, steps }) => ({
      name,
      steps: steps.map((step) => [
        step.name,
        step.timeoutSeconds,
        step.entities.type === 'hosts' ? step.entities.names : [],
      ]),
    })),
  );
  return build;
}

/** From here on the kernel measures the peak anew; elsewhere than on Linux it includes making the fleet. */
function forgetPeak(): void {
  if (process.platform === 'linux') writeFileSync('/proc/self/clear_refs', '5');
}

function peakBytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  const kibibytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kibibytes) * 1024;
}
