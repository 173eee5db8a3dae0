/**
 * Shows that the simulator finds bugs: plants known ones, one at a time, and
 * runs seeds until one of them fails.
 *
 *     node test/simulation/bugs/main.ts [PART OF A NAME]
 *
 * The last line is `N passed, N failed`; a bug that no seed finds is a failure.
 */
import { hasBroken, runSeeds } from '../run-seeds.ts';
import type { SeedResult } from '../run-seed.ts';
import { BUGS } from './catalogue.ts';

const MOST_SEEDS = 5_000;
const WORKER = new URL('worker.ts', import.meta.url);

async function main(part: string): Promise<number> {
  let found = 0;
  let missed = 0;
  for (const [bug, { name, file, from = 1, worlds }] of BUGS.entries()) {
    if (!name.includes(part)) continue;
    let finding: SeedResult | undefined;
    const onResult = (result: SeedResult): void => {
      if (result.complaints.length === 0 || hasBroken(result)) return;
      if (finding === undefined || result.seed < finding.seed) finding = result;
    };
    await runSeeds([from, from + MOST_SEEDS - 1], onResult, {
      enough: () => finding !== undefined,
      worker: WORKER,
      workerData: { bug, worlds },
    });
    if (finding) found += 1;
    else missed += 1;
    const what = finding
      ? `seed ${String(finding.seed)}: ${finding.complaints[0] ?? ''}`
      : `not found in ${String(MOST_SEEDS)} seeds`;
    process.stdout.write(`${name} (${file})\n    ${what}\n`);
  }
  process.stdout.write(`${String(found)} passed, ${String(missed)} failed\n`);
  return missed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv[2] ?? '');
