import { describe, expect, it } from 'vitest';
import { removalsIn, type FinishedStrategy } from '../../../src/status/retention.ts';
import type { Retention } from '../../../src/crds/spec/retention.ts';

const NOW = Date.parse('2026-11-27T09:00:00Z');
const HOUR = 3600_000;

/** A strategy, such as `a/kernel`, that ended so many hours ago. */
function ended(name: string, hoursAgo: number): FinishedStrategy {
  return { key: `PatchStrategy/${name}`, endedAt: NOW - hoursAgo * HOUR };
}

function due(finished: readonly FinishedStrategy[], retention: Retention): string[] {
  return removalsIn(finished, retention, NOW).due.map(({ key }) => key.replace('PatchStrategy/', ''));
}

const FOUR = [ended('a/new', 1), ended('a/old', 40), ended('a/oldest', 50), ended('a/middle', 10)];

describe('the finished strategies of a pool that are removed', () => {
  it.each([
    ['all but the newest two', { maxFinished: 2 }, ['a/oldest', 'a/old']],
    ['all', { maxFinished: 0 }, ['a/oldest', 'a/old', 'a/middle', 'a/new']],
    ['none of as many', { maxFinished: 4 }, []],
    [
      'those that ended so long ago, to the second',
      { maxAgeSeconds: 10 * 3600 },
      ['a/oldest', 'a/old', 'a/middle'],
    ],
    ['none before that second', { maxAgeSeconds: 50 * 3600 + 1 }, []],
    ['those that either rule names', { maxFinished: 2, maxAgeSeconds: 45 * 3600 }, ['a/oldest', 'a/old']],
  ])('are %s, those that ended first in front', (_, retention, names) => {
    expect(due(FOUR, retention)).toEqual(names);
  });

  it('are counted in each namespace by itself', () => {
    expect(due([...FOUR, ended('b/very-old', 99)], { maxFinished: 1 })).toEqual([
      'a/oldest',
      'a/old',
      'a/middle',
    ]);
  });

  it('that ended together are removed in the order of their names', () => {
    expect(due([ended('a/b', 1), ended('a/c', 1), ended('a/a', 1)], { maxFinished: 1 })).toEqual([
      'a/a',
      'a/b',
    ]);
  });

  it('are told the reason, and the next one has its time', () => {
    const age = removalsIn(FOUR, { maxAgeSeconds: 40 * 3600 }, NOW);
    expect(age.due[0]?.because).toBe(
      'it ended at 2026-11-25T07:00:00.000Z, and spec.retention.maxAgeSeconds is 144000',
    );
    expect(age.nextAt).toBe(NOW + 30 * HOUR);
    const count = removalsIn(FOUR, { maxFinished: 3 }, NOW);
    expect(count.due[0]?.because).toBe(
      'it ended at 2026-11-25T07:00:00.000Z, and spec.retention.maxFinished keeps 3 of namespace a',
    );
    expect(count.nextAt).toBeUndefined();
  });
});
