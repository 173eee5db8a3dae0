import { describe, expect, it } from 'vitest';
import { Report } from '../../simulation/report.ts';
import type { SeedResult } from '../../simulation/run-seed.ts';

const seed = (faults: number, complaints: readonly string[] = []): SeedResult => ({
  ...{ seed: 1, hosts: 8, crashes: [], states: ['applied'], virtualMs: 1, revision: 1, complaints },
  isCalm: false,
  upgrades: undefined,
  migrations: undefined,
  maintained: undefined,
  faults: { abort: faults },
});
const reportOf = (...results: SeedResult[]): Report => {
  const report = new Report();
  for (const result of results) report.add(result);
  return report;
};

describe('the report of a simulation', () => {
  it('counts a disturbed seed that failed, but not as passed', () => {
    const report = reportOf(seed(40, ['(5) something']));
    expect(report.lines()[0]).toBe('1 seeds, 1 with at least 8 hosts and 3 faults; 1 failed');
    expect(report.passed).toBe(0);
  });

  it('does not count a seed with few faults, but still fails when that seed fails', () => {
    const report = reportOf(seed(40), seed(2), seed(1, ['(1) something']));
    expect(report.lines()[0]).toBe(
      '3 seeds, 1 with at least 8 hosts and 3 faults (2 had fewer and do not count); 1 failed',
    );
    expect(report.passed).toBe(1);
    expect(report.failures).toHaveLength(1);
  });
});
