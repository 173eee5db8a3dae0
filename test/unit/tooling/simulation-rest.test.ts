import { describe, expect, it } from 'vitest';
import { Scheduler } from '../../simulation/world/scheduler.ts';
import { untilCalm } from '../../simulation/rest.ts';

const CALM_MS = 1_000;
const LATEST = 10_000;

type Course = {
  /** The times at which work begins or ends; it is in progress at the beginning. */
  readonly turns: readonly number[];
  readonly endsEarlyAt?: number;
};

/** The time at which the wait ends. */
async function waitsUntil({ turns, endsEarlyAt = Infinity }: Course): Promise<number> {
  const scheduler = new Scheduler(0);
  let isAtRest = false;
  for (const turn of turns) scheduler.after(turn, () => (isAtRest = !isAtRest));
  const tick = (): void => void scheduler.after(1, tick);
  tick();
  await untilCalm(scheduler, {
    isAtRest: () => isAtRest,
    calmMs: CALM_MS,
    latest: LATEST,
    ended: () => scheduler.now >= endsEarlyAt,
  });
  return scheduler.now;
}

describe('the wait for the end of a simulation', () => {
  it.each([
    ['work that ends at once', [0], 1_000],
    ['work that ends just before it would have been calm', [990], 1_990],
    ['work that ends later', [2_500], 3_500],
    ['work that restarts for a moment', [0, 960, 990], 1_990],
    ['work that restarts for long', [0, 500, 3_000], 4_000],
  ])('ends after a long enough rest: %s', async (_what, turns, end) => {
    expect(await waitsUntil({ turns })).toBe(end);
  });

  it('ends at the latest time when work never ends', async () => {
    expect(await waitsUntil({ turns: [] })).toBe(LATEST);
    expect(await waitsUntil({ turns: [0, 900] })).toBe(LATEST);
  });

  it('ends early on request, at work or at rest', async () => {
    expect(await waitsUntil({ turns: [], endsEarlyAt: 50 })).toBe(50);
    expect(await waitsUntil({ turns: [0], endsEarlyAt: 50 })).toBe(50);
  });
});
