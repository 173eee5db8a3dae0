import { describe, expect, it } from 'vitest';
import { excesses, figureOf, growth, marginalCosts, renewed, type Cost } from '../../bench/scale/figures.ts';

const costOf = (hosts: number, perHost: Partial<Cost> = {}): Cost => ({
  ...{ hosts, podsPerHost: 10, storedBytes: 51_200 * hosts, cpuSeconds: 0.1 * hosts + 1, peakRssMiB: 150 },
  requests: { 'get nodes': 10 * hosts, 'patch nodes': 2 * hosts },
  ...perHost,
});
const committed = [figureOf(costOf(10)), figureOf(costOf(100))];

describe('the committed cost of a host', () => {
  it('allows the same and a fifth more, in requests and in bytes', () => {
    const more = { requests: { 'get nodes': 120, 'patch nodes': 23 }, storedBytes: 614_400 };
    expect([costOf(10), costOf(10, more)].flatMap((cost) => excesses(cost, committed, 1.2))).toEqual([]);
  });

  it('refuses more requests, and names those that grew', () => {
    const cost = costOf(10, { requests: { 'get nodes': 100, 'patch nodes': 20, 'list pods': 25 } });
    expect(excesses(cost, committed, 1.2)).toEqual([
      '10 hosts with 10 pods each: a host costs 14.5 requests, more than 1.2 times the 12.0 that are committed (list pods: 2.5 instead of 0)',
    ]);
  });

  it('refuses more bytes', () => {
    expect(excesses(costOf(100, { storedBytes: 6_144_100 }), committed, 1.2)).toEqual([
      '100 hosts with 10 pods each: a host costs 60.0 KiB stored, more than 1.2 times the 50.0 that are committed',
    ]);
  });

  it('says nothing of a run that was never committed', () => {
    const dear = { storedBytes: 1e9 };
    expect(excesses(costOf(1000, dear), committed, 1.2)).toEqual([]);
    expect(excesses(costOf(10, { ...dear, podsPerHost: 0 }), committed, 1.2)).toEqual([]);
  });

  it('is renewed only for the runs that were measured', () => {
    const [small, large] = [costOf(10, { storedBytes: 10 }), costOf(1000)];
    expect(renewed(committed, [small, large])).toEqual([figureOf(small), committed[1], figureOf(large)]);
  });
});

describe('the marginal cost', () => {
  it('is what a further host costs; the intercept is the rest', () => {
    const [marginal] = marginalCosts([costOf(10), costOf(100)]);
    expect(marginal).toMatchObject({ from: 10, to: 100, perHost: { requests: 12, bytes: 51_200, rss: 0 } });
    expect(marginal?.perHost.cpu).toBeCloseTo(0.1);
    expect(marginal?.intercept.cpu).toBeCloseTo(1);
    expect(marginal?.intercept.rss).toBe(150);
  });

  it('may change by a fifth in requests and bytes, by a half in processor time and memory', () => {
    const grown = (factor: number): Cost[] => [
      { ...costOf(100), peakRssMiB: 150 },
      { ...costOf(1000), peakRssMiB: 150 + 900 * 0.1 },
      {
        ...costOf(5000),
        storedBytes: 51_200 * (1000 + 4000 * factor),
        peakRssMiB: 150 + 900 * 0.1 + 4000 * 0.1 * factor,
      },
    ];
    expect(growth(marginalCosts(grown(1.19)))).toEqual([]);
    expect(growth(marginalCosts(grown(1.3)))).toEqual([
      'bytes of a further host: 6.66e+4 from 1000 to 5000 hosts, 5.12e+4 from 100 to 1000',
    ]);
    expect(growth(marginalCosts(grown(0.4)))).toHaveLength(2);
  });

  it('is not judged by fleets of fewer than 100 hosts', () => {
    expect(growth(marginalCosts([costOf(10), costOf(100, { storedBytes: 1e9 }), costOf(1000)]))).toEqual([]);
  });
});
