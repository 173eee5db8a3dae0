/** What Careen writes as the reason of a compute service, and how it tells that from the texts of people. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hasMark,
  leftLockedBy,
  leftLockedReason,
  lockReason,
} from '../../../../src/hostops/openstack/marks.ts';

const UID = '9d0b5c2e-6c1f-4d0e-9f43-0a6a8a1b7c11';

describe('the reason of a lock', () => {
  it('names the run, and is known as ours', () => {
    expect(lockReason(UID)).toBe(`careen:${UID}`);
    expect([hasMark(lockReason(UID)), leftLockedBy(lockReason(UID))]).toEqual([true, undefined]);
  });

  it.each([
    ...[undefined, '', 'a fan is broken', 'AUTO: Connection to libvirt lost: 1'],
    ...[
      'careen: do not touch this host',
      'careen:',
      'careen:x is on holiday',
      'careen',
      'Careen:x',
      ' careen:x',
    ],
  ])('is not taken for ours when it is %j', (reason) => {
    expect(hasMark(reason)).toBe(false);
  });
});

describe('the note on a host that is left locked', () => {
  it('names its owner and why, and is no lock', () => {
    const note = leftLockedReason(UID, 'Job apply failed: exit code 7');
    expect(note).toBe(`careen-left-locked:${UID} Job apply failed: exit code 7`);
    expect([leftLockedBy(note), hasMark(note)]).toEqual([UID, false]);
  });

  it.each([undefined, '', 'careen-left-locked: by Ann', 'careen-left-locked', 'see careen-left-locked:x'])(
    'is not taken for one when it is %j',
    (reason) => {
      expect(leftLockedBy(reason)).toBeUndefined();
    },
  );

  it('fits into the column of Nova, as text that it can store, whatever the reason is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (why) => {
        const note = leftLockedReason(UID, why);
        expect(note.length).toBeLessThanOrEqual(255);
        expect(note.isWellFormed()).toBe(true);
        expect(leftLockedBy(note)).toBe(UID);
      }),
    );
    expect(leftLockedReason(UID, '\u{1F525}'.repeat(200)).isWellFormed()).toBe(true);
    expect(leftLockedReason(UID, ` ${'\u{1F525}'.repeat(200)}`).isWellFormed()).toBe(true);
    expect(leftLockedReason(UID, 'x'.repeat(400))).toMatch(/x…$/);
    expect(leftLockedReason(UID, 'x'.repeat(400))).toHaveLength(255);
  });

  it('has no secrets of the reason', () => {
    expect(leftLockedReason(UID, 'password=hunter2')).not.toContain('hunter2');
  });
});
