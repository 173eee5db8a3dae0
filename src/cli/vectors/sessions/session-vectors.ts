/** Plays the sessions of a file, and judges each. */
import { z } from 'zod';
import type { Played, Verdict } from '../play-vector.ts';
import { knownDefect, sessionDifference } from './compare-sessions.ts';
import { KNOWN_WORKFLOWS } from '../../../engine/session/workflows.ts';
import { playSession, type PlayedSession } from './play-session.ts';
import { recordedSession, sessionsFile, type RecordedSession } from './recorded-session.ts';

/** Whether the content of a file is recorded sessions. */
export function isSessionsFile(content: unknown): boolean {
  return sessionsFile.safeParse(content).success;
}

/** @param path names the file where a session has no id */
export async function playSessions(path: string, content: unknown): Promise<Played[]> {
  const { sessions } = sessionsFile.parse(content);
  const played: Played[] = [];
  for (const [index, each] of sessions.entries())
    played.push(await playOne(`${path}: sessions[${String(index)}]`, each));
  return played;
}

async function playOne(position: string, given: unknown): Promise<Played> {
  const { data, error } = recordedSession.safeParse(given);
  if (!data)
    return { kind: 'failed', name: position, reason: `not a complete session: ${z.prettifyError(error)}` };
  const { id: name, create } = data;
  if (!KNOWN_WORKFLOWS.includes(create.workflow))
    return {
      kind: 'failed',
      name,
      reason: `workflow ${create.workflow} is not known: it must be ${KNOWN_WORKFLOWS.join(' or ')}`,
    };
  try {
    const actual = await playSession(data);
    const verdict = judged(data, actual);
    return { kind: 'played', name, actual, findings: [], judge: () => verdict };
  } catch (error) {
    return { kind: 'failed', name, reason: error instanceof Error ? error.message : String(error) };
  }
}

function judged(recorded: RecordedSession, actual: PlayedSession): Verdict {
  const { id: name } = recorded;
  const difference = sessionDifference(recorded, actual);
  if (difference !== undefined) return { kind: 'failed', name, reason: difference };
  const defect = knownDefect(recorded, actual);
  return defect === undefined
    ? { kind: 'passed', name, reason: '' }
    : { kind: 'deviates', name, reason: defect };
}
