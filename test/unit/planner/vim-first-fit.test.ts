import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstFit, type Constraint } from '../../../src/planner/first-fit.ts';

type Item = { readonly id: number; readonly constraints: readonly Constraint[] };

/** First fit, word for word: every list is tried in order. */
function tryAll(items: readonly Item[]): Item[][] {
  const lists: Item[][] = [];
  for (const item of items) {
    const fitting = lists.find((list) =>
      item.constraints.every(
        (each) => list.filter(({ constraints }) => constraints.includes(each)).length < each.atMost,
      ),
    );
    if (fitting) fitting.push(item);
    else lists.push([item]);
  }
  return lists;
}

const ids = (lists: readonly (readonly Item[])[]): number[][] =>
  lists.map((list) => list.map(({ id }) => id));

describe('first fit', () => {
  it('puts items without constraints into one list', () => {
    expect(firstFit(['a', 'b'], () => [])).toEqual([['a', 'b']]);
    expect(firstFit([], () => [])).toEqual([]);
  });

  it('gives the same result as trying every list in order', () => {
    const limits = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 });
    const members = fc.array(fc.array(fc.nat(7), { maxLength: 5 }), { maxLength: 60 });
    fc.assert(
      fc.property(limits, members, (atMost, given) => {
        const all = atMost.map((limit): Constraint => ({ atMost: limit }));
        const items = given.map((picks, id): Item => {
          const constraints = picks.flatMap((pick) => all[pick % all.length] ?? []);
          return { id, constraints: [...new Set(constraints)] };
        });
        expect(ids(firstFit(items, ({ constraints }) => constraints))).toEqual(ids(tryAll(items)));
      }),
      { numRuns: 500 },
    );
  });
});
