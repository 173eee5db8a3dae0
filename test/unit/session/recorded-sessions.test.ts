import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { knownDefect, sessionDifference } from '../../../src/cli/vectors/sessions/compare-sessions.ts';
import { playSession, type PlayedSession } from '../../../src/cli/vectors/sessions/play-session.ts';
import {
  recordedSession,
  sessionsFile,
  type RecordedSession,
  type TraceEntry,
} from '../../../src/cli/vectors/sessions/recorded-session.ts';

const FILE = join(import.meta.dirname, '..', '..', 'vectors', 'fenix', 'sessions.json');
const { sessions } = sessionsFile.parse(JSON.parse(readFileSync(FILE, 'utf8')));
const recordings = sessions.map((each) => recordedSession.parse(each));

/** Whether a recording binds this entry: it is compared, and no known defect of the recording comes before it. */
function binds(recorded: RecordedSession, played: PlayedSession, index: number): boolean {
  const { trace } = recorded;
  const { state, notification, hostService, move } = trace[index] ?? {};
  const failed = trace.findIndex((entry) => entry.state === 'MAINTENANCE_FAILED');
  // What comes just before a known defect is missing from the end of what binds: nothing tells that.
  const last = trace.findLastIndex((entry, i) => i < failed && entry.http === undefined);
  if (knownDefect(recorded, played) !== undefined && index >= last) return false;
  return [state, notification, hostService, move].some((each) => each !== undefined);
}

/** The recording without one of its entries. */
function without(recorded: RecordedSession, index: number): RecordedSession {
  return { ...recorded, trace: recorded.trace.filter((_, i) => i !== index) };
}

describe.each(recordings.map((each) => [each.id, each] as const))('recorded session %s', (_id, recorded) => {
  it('is played as it was recorded', async () => {
    expect(sessionDifference(recorded, await playSession(recorded))).toBeUndefined();
  });

  it('is told from one in which anything that binds is missing', async () => {
    const played = await playSession(recorded);
    const missed = recorded.trace
      .map((entry: TraceEntry, index) => ({ entry, index }))
      .filter(({ index }) => binds(recorded, played, index))
      .filter(({ index }) => sessionDifference(without(recorded, index), played) === undefined);
    expect(missed).toEqual([]);
  });

  it('is told from one that ends otherwise', async () => {
    const other = {
      ...recorded,
      endState: recorded.endState === 'MAINTENANCE_DONE' ? 'MAINTENANCE_FAILED' : 'MAINTENANCE_DONE',
    };
    expect(sessionDifference(other, await playSession(recorded))).toBeDefined();
  });
});
