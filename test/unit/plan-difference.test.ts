import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planDifference } from '../../src/planner/plan-difference.ts';

const plan = (...stages: string[][]) =>
  stages.map((hosts) => ({ name: 'sw-patch-worker-hosts' as const, hosts }));

describe('the difference between two plans', () => {
  it('is told as people tell it', () => {
    expect(planDifference(plan(['a', 'b'], ['c']), plan(['a'], ['c', 'd'], ['e']))).toBe(
      'added: d, e; no longer in it: b; 3 stages instead of 2',
    );
    expect(planDifference(plan(['a'], ['b']), plan(['b'], ['a']))).toBe('in another stage: b, a');
  });

  it('names a few hosts and counts the rest', () => {
    const many = Array.from({ length: 8 }, (_, i) => `w-${String(i)}`);
    expect(planDifference(plan(), plan(many))).toBe(
      'added: w-0, w-1, w-2, w-3, w-4 and 3 more; 1 stages instead of 0',
    );
  });

  it('is there exactly when hosts do not stand where they stood', () => {
    const anyPlan = fc
      .uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 })
      .chain((hosts) => fc.integer({ min: 1, max: 2 }).map((size) => chunks(hosts, size)))
      .map((stages) => plan(...stages));
    const places = (of: ReturnType<typeof plan>) => of.map(({ hosts }) => hosts.toSorted());
    fc.assert(
      fc.property(anyPlan, anyPlan, (before, after) => {
        const same = JSON.stringify(places(before)) === JSON.stringify(places(after));
        expect(planDifference(before, after) === undefined).toBe(same);
      }),
    );
  });
});

function chunks(hosts: readonly string[], size: number): string[][] {
  return Array.from({ length: Math.ceil(hosts.length / size) }, (_, i) =>
    hosts.slice(i * size, (i + 1) * size),
  );
}
