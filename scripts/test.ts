/**
 * Runs the test suites and adds up what they report: those that keep the
 * processors busy one after another, those that mostly wait beside each other.
 *
 *     node scripts/test.ts [SUITE...] [-- VITEST ARGUMENTS]
 *
 * The last line is `N passed, N failed` and the exit status is 1 when anything
 * failed. What is no failing test and still no success counts as one failure:
 * a file that does not load, a suite that runs no test, a vitest that crashes.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runAll, type Run } from './testing/run.ts';
import { selectSuites, UsageError } from './testing/suites.ts';
import { printSummary } from './testing/summary.ts';

async function main(): Promise<number> {
  const { names, vitestArguments } = parseArguments(process.argv.slice(2));
  const suites = selectSuites(names);
  const keptFolder = await mkdtemp(join(tmpdir(), 'careen-kept-'));
  try {
    const results = await runAll(suites, { vitestArguments, ...(await keptFolders(keptFolder)) });
    printSummary(results);
    return results.rows.some(({ failed, trouble }) => failed > 0 || trouble) ? 1 : 0;
  } finally {
    await rm(keptFolder, { recursive: true, force: true });
  }
}

async function keptFolders(parent: string): Promise<Pick<Run, 'auditFolder' | 'logFolder'>> {
  const [auditFolder, logFolder] = [join(parent, 'audit'), join(parent, 'log')];
  for (const folder of [auditFolder, logFolder]) await mkdir(folder);
  return { auditFolder, logFolder };
}

function parseArguments(given: readonly string[]): {
  names: readonly string[];
  vitestArguments: readonly string[];
} {
  const end = given.indexOf('--');
  return end < 0
    ? { names: given, vitestArguments: [] }
    : { names: given.slice(0, end), vitestArguments: given.slice(end + 1) };
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
