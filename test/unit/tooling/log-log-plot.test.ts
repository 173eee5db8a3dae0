import { expect, it } from 'vitest';
import { logLogPlot } from '../../bench/log-log-plot.ts';

it('a plot places every point by its logarithms, with the first series on top', () => {
  const [from, to] = [1, 3].map((exponent) => ({ x: 100 * 10 ** exponent, y: 10 ** exponent }));
  const middle = { x: 10_000, y: 100 };
  if (!from || !to) throw new Error('there are two');
  const lines = logLogPlot([
    { mark: 'o', points: [from, to] },
    { mark: '#', points: [middle, to] },
  ]);
  const rows = lines.map((line) => line.trimEnd());
  expect(rows[0]).toBe(`1000 |${' '.repeat(40)}o`);
  expect(rows[6]).toBe(` 100 |${' '.repeat(20)}#`);
  expect(rows[12]).toBe('  10 |o');
  expect(rows.filter((row) => /[o#]/.test(row))).toHaveLength(3);
  expect(rows.slice(-2)).toEqual([
    `     +${'-'.repeat(19)}+${'-'.repeat(19)}+`,
    `      1000${' '.repeat(16)}10000${' '.repeat(15)}100000`,
  ]);
});
