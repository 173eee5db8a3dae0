import { describe, expect, it } from 'vitest';
import { NotLeadingError, Term } from '../../../src/leadership/leadership.ts';
import { leaseTimes } from '../../../src/leadership/lease-verdict.ts';
import { eventually } from '../../support/eventually.ts';

/** A term begun at 0 with the times of a lease of 15 s: its deadline is at 10 s. */
function begin(leaseSeconds = 15) {
  const clock = { now: 0, given: 0 };
  const term = new Term(
    {
      lease: 'careen-system/careen',
      identity: 'pod-1',
      times: leaseTimes(leaseSeconds),
      monotonic: () => clock.now,
      giveUp: async () => {
        clock.given += 1;
      },
    },
    0,
  );
  return { term, clock };
}

describe('leadership', () => {
  it('ends with the deadline although no timer has run', () => {
    const { term, clock } = begin();
    clock.now = 9_999;
    expect(term.isValid()).toBe(true);
    term.assertValid();
    clock.now = 10_000;
    expect(term.isValid()).toBe(false);
    expect(() => term.assertValid()).toThrow(
      new NotLeadingError(
        'pod-1 no longer leads by Lease careen-system/careen and writes nothing: it was not renewed within 10 s',
      ),
    );
  });

  it('goes on from the start of a renewal', () => {
    const { term, clock } = begin();
    clock.now = 6_000;
    term.renewed(2_000);
    clock.now = 11_999;
    expect(term.isValid()).toBe(true);
    clock.now = 12_000;
    expect(term.isValid()).toBe(false);
  });

  it('does not come back by a renewal whose answer came after the deadline', () => {
    const { term, clock } = begin();
    clock.now = 10_001;
    term.renewed(9_000);
    expect(term.isValid()).toBe(false);
  });

  it('tells of its loss when the deadline passes', async () => {
    const { term, clock } = begin(0.3);
    clock.now = 1_000;
    await eventually('the loss', () => term.lost.aborted);
    expect(term.lost.reason).toBeInstanceOf(NotLeadingError);
  });

  it('is given up once, and that is no loss', async () => {
    const { term, clock } = begin();
    const released = term.release();
    expect(term.isValid()).toBe(false);
    await Promise.all([released, term.release()]);
    term.lose('other has taken it');
    expect([clock.given, term.lost.aborted]).toEqual([1, false]);
    expect(() => term.assertValid()).toThrow(/it was released/);
  });

  it('that is lost is not given up: the Lease is no longer ours', async () => {
    const { term, clock } = begin();
    term.lose('other has taken it');
    await term.release();
    expect([clock.given, term.isValid()]).toEqual([0, false]);
    expect(() => term.assertValid()).toThrow(/other has taken it/);
  });
});
