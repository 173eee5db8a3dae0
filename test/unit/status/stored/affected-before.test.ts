/** What a session has moved counts as affected in its next run, too. */
import { describe, expect, it } from 'vitest';
import type { StrategyStatus } from '../../../../src/crds/observed/strategy-status.ts';
import { affectedBefore } from '../../../../src/status/shown/build-status.ts';

const recovering = [{ instance: 'i1', group: 'a/g', until: '2026-11-28T04:00:00Z' }];
const question = (instance: string, answer?: object): object => ({ instance, host: 'h', ...answer });
const [agreed, refused, silent] = [
  question('i2', { answer: { kind: 'ACK' } }),
  question('i3', { answer: { kind: 'NACK' } }),
  question('i4'),
];

/** What is kept of a status with this part. Only these parts are looked at. */
function kept(part: object): StrategyStatus['affected'] {
  return affectedBefore(part);
}

describe('what outlasts the run of a session', () => {
  it('is what recovers, and what was about to move: an instance may be on its way', () => {
    const session = { recovering, questions: [agreed, refused, silent] };
    expect(kept({ session })).toEqual({ recovering, questions: [agreed] });
  });

  it('stays until the next run has begun', () => {
    expect(kept({ affected: { recovering, questions: [] } })).toEqual({ recovering, questions: [] });
    expect(
      kept({ session: { recovering: [], questions: [] }, affected: { recovering, questions: [] } }),
    ).toBe(undefined);
  });
});
