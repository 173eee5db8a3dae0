import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digest } from '../../../src/planner/digest.ts';

/** The same JSON value with the keys of every object in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, each]) => [key, reversed(each)] as const)
      .toReversed(),
  );
}

describe('a digest', () => {
  it('is the sha256 of the JSON text with its keys in order, so that other tools can make it', () => {
    // printf '{"a":[1,null],"b":{"c":"d","e":true}}' | sha256sum
    expect(digest({ b: { e: true, c: 'd' }, a: [1, null] })).toBe(
      'sha256:6423b202c508a078b6f46bbbc7a174c9017f1dff7fa4920fea7b7e518141f5bc',
    );
  });

  it('does not depend on the order of keys, at any depth', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(digest(reversed(value))).toBe(digest(value));
      }),
    );
  });

  it('differs for another value, and for a list in another order', () => {
    const values = [
      null,
      {},
      [],
      { a: null },
      { a: [] },
      ['a', 'b'],
      ['b', 'a'],
      { a: 1, b: 2 },
      { a: 2, b: 1 },
    ];
    expect(new Set(values.map(digest)).size).toBe(values.length);
  });
});
