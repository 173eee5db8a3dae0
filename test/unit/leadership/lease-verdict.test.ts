import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  leaderVerdict,
  leaseTimes,
  pauseAfter,
  read,
  seen,
  seenGone,
  standbyVerdict,
  type LeaseFacts,
} from '../../../src/leadership/lease-verdict.ts';
import { ElectionModel } from '../support/election-model.ts';

const TIMES = leaseTimes(15);
const lease = (holder: string, fields: Partial<LeaseFacts> = {}): LeaseFacts => ({
  uid: 'uid-1',
  revision: '10',
  holder,
  leaseMs: 15_000,
  transitions: 3,
  ...fields,
});
const standby = (found: LeaseFacts | undefined, now: number) =>
  standbyVerdict('me', { lease: found, revision: found?.revision ?? '', since: 0 }, TIMES, now);
const leader = (found: LeaseFacts | undefined, now: number) =>
  leaderVerdict('me', { lease: found, revision: found?.revision ?? '', since: 0 }, 0, TIMES, now);

describe('a lease of 15 s', () => {
  it('is trusted for 10 s, renewed every 2 s, and a request may take 5 s', () => {
    expect(TIMES).toEqual({ leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000, requestMs: 5_000 });
  });
});

describe('a standby', () => {
  it('reads the Lease first', () => {
    expect(standbyVerdict('me', undefined, TIMES, 0)).toEqual({ kind: 'look' });
  });

  it('creates a missing Lease and takes a released one, at once', () => {
    expect(standby(undefined, 0)).toEqual({ kind: 'create' });
    expect(standby(lease(''), 0)).toEqual({ kind: 'take', lease: lease('') });
  });

  it('takes the Lease of another holder after a lease time without a change, not before', () => {
    expect(standby(lease('other'), 14_999)).toEqual({ kind: 'wait', until: 15_000 });
    expect(standby(lease('other'), 15_000)).toMatchObject({ kind: 'take' });
  });

  it("waits for the holder's lease time, and for its own when the holder names none", () => {
    expect(standby(lease('other', { leaseMs: 60_000 }), 15_000)).toEqual({ kind: 'wait', until: 60_000 });
    expect(standby(lease('other', { leaseMs: undefined }), 1)).toEqual({ kind: 'wait', until: 15_000 });
  });

  it('confirms a write of its own whose answer was lost', () => {
    expect(standby(lease('me'), 0)).toMatchObject({ kind: 'renew' });
  });
});

describe('a leader', () => {
  it('renews each retry period', () => {
    expect(leader(lease('me'), 1_999)).toEqual({ kind: 'wait', until: 2_000 });
    expect(leader(lease('me'), 2_000)).toMatchObject({ kind: 'renew' });
    expect(leader(lease('me'), 9_999)).toMatchObject({ kind: 'renew' });
  });

  it('has lost when the deadline has passed, with any Lease', () => {
    const why = 'it was not renewed within 10 s';
    expect(leader(lease('me'), 10_000)).toEqual({ kind: 'lost', why });
    expect(leader(undefined, 10_000)).toEqual({ kind: 'lost', why });
  });

  it('has lost when another holds the Lease or somebody else released it', () => {
    expect(leader(lease('other'), 0)).toEqual({ kind: 'lost', why: 'other has taken it' });
    expect(leader(lease(''), 0)).toEqual({ kind: 'lost', why: 'somebody else released it' });
  });

  it('recreates a Lease that somebody deleted', () => {
    expect(leader(undefined, 0)).toEqual({ kind: 'create' });
  });
});

describe('the knowledge about the Lease', () => {
  const known = seen(undefined, lease('other'), 100);

  it('dates from the last change, not from the last read', () => {
    expect(seen(known, lease('other'), 200)).toBe(known);
    expect(seen(known, lease('other', { revision: '11' }), 200)).toMatchObject({ since: 200 });
  });

  it('is not replaced by an older state that arrives late', () => {
    expect(seen(known, lease('', { revision: '9' }), 200)).toBe(known);
    const gone = seenGone(known, 'uid-1', 200);
    expect(gone).toMatchObject({ lease: undefined, since: 200 });
    expect(seen(gone, lease('other'), 300)).toBe(gone);
  });

  it('is not changed by the deletion of a Lease that another has replaced', () => {
    const replaced = seen(known, lease('other', { uid: 'uid-2', revision: '12' }), 200);
    expect(seenGone(replaced, 'uid-1', 300)).toBe(replaced);
    expect(seenGone(seenGone(undefined, undefined, 0), undefined, 1)).toMatchObject({ since: 0 });
  });
});

describe('a Lease that went back to an earlier revision, because the cluster was restored from a backup', () => {
  const known = seen(undefined, lease('other', { revision: '500' }), 100);
  const back = (holder: string) => read(known, known, lease(holder, { revision: '300' }), 200);

  it('replaces what was known when it is read, and not when an answer is late', () => {
    expect(back('other')).toMatchObject({ revision: '300', since: 200, wentBack: true });
    const before = seen(undefined, lease('other', { revision: '200' }), 0);
    expect(read(known, before, lease('other', { revision: '300' }), 200)).toBe(known);
  });

  it.each(['other', '', 'me'])(
    'is taken after a whole lease time only, whoever held it then: "%s"',
    (holder) => {
      expect(standbyVerdict('me', back(holder), TIMES, 15_199)).toEqual({ kind: 'wait', until: 15_200 });
      expect(standbyVerdict('me', back(holder), TIMES, 15_200)).toMatchObject({
        kind: holder === 'me' ? 'renew' : 'take',
      });
    },
  );

  it('is renewed by its leader at once, and its renewals count for the others again', () => {
    expect(leaderVerdict('other', back('other'), 0, TIMES, 2_000)).toMatchObject({ kind: 'renew' });
    const renewed = seen(back('other'), lease('other', { revision: '301' }), 300);
    expect(renewed).toEqual({ lease: lease('other', { revision: '301' }), revision: '301', since: 300 });
  });
});

describe('the pause after failures', () => {
  it('doubles up to the retry period and is spread by chance', () => {
    expect([1, 2, 3, 4, 5, 99].map((failures) => pauseAfter(failures, TIMES, 1))).toEqual([
      125, 250, 500, 1000, 2000, 2000,
    ]);
    expect(pauseAfter(5, TIMES, 0)).toBe(1000);
  });
});

const PROCESSES = 3;
const anyMove = fc.record({
  who: fc.nat({ max: PROCESSES - 1 }),
  what: fc.oneof(
    { weight: 8, arbitrary: fc.constant('turn' as const) },
    { weight: 4, arbitrary: fc.constantFrom('decide', 'arrive', 'receive', 'watch') },
    { weight: 1, arbitrary: fc.constantFrom('time out', 'stray', 'release', 'restart') },
  ),
  /** Milliseconds that pass before the move; processes without a move meanwhile are stopped. */
  after: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 20_000 })),
});
type Move = typeof anyMove extends fc.Arbitrary<infer T> ? T : never;

function move(model: ElectionModel, { who, what, after }: Move): void {
  const process = model.processes[who];
  if (!process) return;
  model.elapse(after);
  switch (what) {
    case 'turn':
      for (let i = 0; i < 3; i += 1) model.watch(process);
      model.decide(process);
      model.arrive(process);
      return model.receive(process);
    case 'decide':
      return model.decide(process);
    case 'arrive':
      return model.arrive(process);
    case 'receive':
      return model.receive(process);
    case 'watch':
      return model.watch(process);
    case 'time out':
      return model.timeOut(process);
    case 'stray':
      return model.strayArrives();
    case 'release':
      return model.release(process);
    case 'restart':
      return model.restart(process);
  }
}

describe('with processes that stop, die or are cut off, and clocks that are up to a tenth too fast or slow', () => {
  const rates = fc.array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), {
    minLength: PROCESSES,
    maxLength: PROCESSES,
  });

  const schedule = fc.array(anyMove, { maxLength: 150, size: 'max' });
  /** Makes the moves; returns false as soon as two lead. */
  const undisputed = (model: ElectionModel, moves: readonly Move[]): boolean =>
    moves.every((each) => {
      move(model, each);
      return model.valid.length <= 1;
    });

  it('two never lead at once, and one leads after the disturbances', () => {
    const who = Array.from({ length: PROCESSES }, (_, i) => i);
    const peace = Array.from({ length: 120 }, () =>
      who.map((each): Move => ({ who: each, what: 'turn', after: 200 })),
    ).flat();
    fc.assert(
      fc.property(rates, schedule, (speeds, moves) => {
        const model = new ElectionModel(speeds);
        expect(undisputed(model, [...moves, ...peace]), model.valid.join(' and ')).toBe(true);
        expect(model.valid).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  });

  it('two would lead if one trusted its Lease for longer than the others wait', () => {
    const reckless = { ...TIMES, renewDeadlineMs: 20_000 };
    const property = fc.property(rates, schedule, (speeds, moves) =>
      undisputed(new ElectionModel(speeds, reckless), moves),
    );
    expect(fc.check(property, { numRuns: 1000, endOnFailure: true }).failed).toBe(true);
  });
});
