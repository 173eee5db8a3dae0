/** Prints what came of a test run: the suites, the slowest files, what took too long, what failed. */
import type { FileReport } from './report.ts';
import { TOTAL_SHARE_MINUTES } from './suites.ts';
import type { Results } from './run.ts';
import { print, printTable } from './tables.ts';

const SLOWEST_SHOWN = 10;

export type Row = {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  /** The tests that were skipped, each with its reason. */
  readonly skipped: readonly string[];
  /** What its files took, added up. */
  readonly minutes: number;
  readonly shareMinutes: number;
  /** Whether it is a build, which has no tests to count. */
  readonly built?: boolean;
  /** Why this row is no success although no test may have failed. */
  readonly trouble?: string;
  /** The tests that failed, and files that did not even load, each with what it says in one line. */
  readonly failures?: readonly string[];
};

/** Prints all of it; the last line is `N passed, N failed`. */
export function printSummary({ rows, files, minutes }: Results): void {
  const sum = (count: (row: Row) => number): number => rows.reduce((total, row) => total + count(row), 0);
  const total: Row = {
    name: 'by the clock, without builds',
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed }) => failed),
    skipped: rows.flatMap(({ skipped }) => skipped),
    minutes,
    shareMinutes: TOTAL_SHARE_MINUTES,
  };
  print('');
  printTable(['suite', 'passed', 'failed', 'skipped', 'minutes', 'share'], [...rows, total].map(cells));
  printSlowest(files);
  for (const row of [...rows, total]) {
    const taken = row.minutes.toFixed(1);
    if (Number(taken) > row.shareMinutes)
      print(`warning: ${row.name} took ${taken} minutes, its share is ${row.shareMinutes.toFixed(1)}`);
  }
  for (const { name, trouble, failures = [] } of rows) {
    if (trouble) print(`failed: ${name}: ${trouble}`);
    for (const failure of failures) print(`failed: ${failure}`);
  }
  for (const skip of total.skipped) print(`skipped: ${skip}`);
  const skips = total.skipped.length > 0 ? `, ${String(total.skipped.length)} skipped` : '';
  print(`${String(total.passed)} passed, ${String(total.failed)} failed${skips}`);
}

function cells({ name, built, passed, failed, skipped, minutes, shareMinutes }: Row): readonly string[] {
  const counts = [passed, failed, skipped.length].map((count) => (built ? '' : String(count)));
  return [name, ...counts, minutes.toFixed(1), shareMinutes.toFixed(1)];
}

function printSlowest(files: readonly FileReport[]): void {
  const slowest = files.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_SHOWN);
  print('');
  printTable(
    ['slowest files', 'seconds'],
    slowest.map(({ file, seconds }) => [file, seconds.toFixed(1)]),
  );
  print('');
}
