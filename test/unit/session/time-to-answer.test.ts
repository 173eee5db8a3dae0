import { describe, expect, it } from 'vitest';
import {
  newSession,
  withMoreTimeToAnswer,
  type ProjectProgress,
} from '../../../src/engine/session/session-state.ts';

const asked: ProjectProgress = {
  ...{ id: 'A', question: 1, asked: 'MAINTENANCE', instances: ['i1'] },
  ...{ askedAt: '2026-11-27T09:59:00Z', replyBy: '2026-11-27T10:00:00.000Z' },
};

describe('the time that nobody observed a session', () => {
  it('is added to the time of each answer that is awaited', () => {
    const answered = { ...asked, id: 'B', answer: { kind: 'ACK', actions: {} } as const };
    const { projects } = withMoreTimeToAnswer({ ...newSession([]), projects: [asked, answered] }, 40);
    expect(projects.map(({ replyBy }) => replyBy)).toEqual([
      '2026-11-27T10:00:40.000Z',
      '2026-11-27T10:00:00.000Z',
    ]);
  });
});

describe('a session that is planned again', () => {
  it('has higher numbers than the run before: an answer to that one answers nothing', () => {
    expect(newSession([], 7)).toMatchObject({ told: 8, events: [{ id: '7' }] });
  });
});
