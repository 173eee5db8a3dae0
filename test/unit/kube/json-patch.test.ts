import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonPatch } from '../../../src/kube/json-patch.ts';
import { jsonPatched, PatchRefused } from '../../simulation/world/patches.ts';

describe('the JSON patch between two values', () => {
  it('names only what differs, also within a list of the same length', () => {
    const stages = [
      { id: 0, result: 'success' },
      { id: 1, result: 'initial' },
    ];
    const after = [stages[0], { id: 1, result: 'inprogress' }];
    expect(jsonPatch({ stages, a: 1, b: 2 }, { stages: after, a: 1, c: [3] }, '/status')).toEqual([
      { op: 'replace', path: '/status/stages/1/result', value: 'inprogress' },
      { op: 'remove', path: '/status/b' },
      { op: 'add', path: '/status/c', value: [3] },
    ]);
    expect(jsonPatch({ stages }, { stages }, '/status')).toEqual([]);
  });

  it('replaces a list that grows, and escapes what a pointer cannot hold', () => {
    expect(jsonPatch({ 'a/b~c': [1] }, { 'a/b~c': [1, 2] }, '')).toEqual([
      { op: 'replace', path: '/a~1b~0c', value: [1, 2] },
    ]);
  });

  it('takes a field that is undefined for an absent one', () => {
    expect(jsonPatch({ a: undefined, b: 1 }, { a: 1, b: undefined }, '')).toEqual([
      { op: 'add', path: '/a', value: 1 },
      { op: 'remove', path: '/b' },
    ]);
    expect(jsonPatch({ a: undefined }, { b: undefined }, '')).toEqual([]);
  });

  it('turns any object into any other', () => {
    const key = fc.constantFrom('a', 'b/c', '~', '-');
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.integer(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value')),
      ),
    }));
    const object = fc.dictionary(key, value);
    fc.assert(
      fc.property(object, object, (before, after) => {
        const patch = jsonPatch({ ...before }, { ...after }, '');
        expect(jsonPatched({ ...before }, patch)).toEqual({ ...after });
      }),
    );
  });

  it('is refused by the simulated server, as by a real one, for a list that is shorter now', () => {
    const late = [{ op: 'add', path: '/stages/2/endTime', value: 'now' }];
    expect(() => jsonPatched({ stages: [{}, {}] }, late)).toThrow(PatchRefused);
  });
});
