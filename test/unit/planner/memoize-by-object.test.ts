import { expect, it } from 'vitest';
import { memoizeByObject } from '../../../src/planner/memoize-by-object.ts';

it('a value is computed once for each object, also an undefined value', () => {
  let computed = 0;
  const nameOf = memoizeByObject(({ name }: { readonly name?: string }) => {
    computed += 1;
    return name;
  });
  const [first, nameless] = [{ name: 'a' }, {}];
  const names = [first, first, nameless, nameless, { name: 'a' }].map(nameOf);
  expect(names).toEqual(['a', 'a', undefined, undefined, 'a']);
  expect(computed).toBe(3);
});
