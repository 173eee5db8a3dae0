import { describe, expect, it } from 'vitest';
import { isPlacedHere, type Origin } from '../../../../src/status/requests/request-origin.ts';

const REQUEST = 'careen.dev/request';
const MADE = '2026-11-26T09:00:00Z';
const BEFORE = '2026-11-26T08:59:59Z';
const LATER = '2026-11-26T09:00:05Z';

type Entry = NonNullable<Origin['managedFields']>[number];

const annotations = (...keys: string[]) => ({
  'f:annotations': Object.fromEntries(['.', ...keys.map((key) => `f:${key}`)].map((key) => [key, {}])),
});
const creator = (more: object = {}, time = MADE): Entry => ({
  time,
  fieldsV1: { 'f:metadata': more, 'f:spec': { 'f:patches': {} } },
});
const annotator = (time: string | undefined, ...keys: string[]): Entry => ({
  time,
  fieldsV1: { 'f:metadata': annotations(...keys) },
});

function placedHere(generation: number, ...managedFields: Entry[]): boolean {
  return isPlacedHere({ creationTimestamp: MADE, generation, managedFields }, REQUEST);
}

describe('a request', () => {
  it('counts as placed on an object when somebody annotated it after it was made', () => {
    expect(placedHere(1, creator(), annotator(LATER, REQUEST))).toBe(true);
    expect(placedHere(1, creator(), annotator(MADE, REQUEST)), 'within the same second').toBe(true);
  });

  it.each<[string, Entry[]]>([
    ['with the object', [creator(annotations(REQUEST))]],
    ['with a later apply of the whole object', [creator(annotations(REQUEST), LATER)]],
    ['with records from before the object was restored', [creator({}, BEFORE), annotator(BEFORE, REQUEST)]],
    ['by a writer who has written another annotation since', [creator(), annotator(LATER, REQUEST, 'other')]],
    [
      'with the object, and by somebody else, too',
      [creator(annotations(REQUEST)), annotator(LATER, REQUEST)],
    ],
    ['by a writer whose time nobody knows', [creator(), annotator(undefined, REQUEST)]],
    ['by nobody that is recorded', []],
  ])('may be an old one when it came %s', (_, entries) => {
    expect(placedHere(1, ...entries)).toBe(false);
  });

  it('is not for a spec that may have been edited after it', () => {
    const request = annotator(LATER, REQUEST);
    expect(placedHere(2, creator(), request), 'edited before').toBe(true);
    expect(placedHere(2, creator({}, LATER), request), 'edited in the same second').toBe(false);
  });
});
