import type { RunJudge } from '../pass.ts';
import { DONE } from '../steps/verdict.ts';
import { sessionOf } from './session-of.ts';

/** Waits until the session may begin to move instances and to close hosts. */
export const awaitStart: RunJudge = (pass) => {
  const { startAt } = sessionOf(pass).terms;
  if (startAt === undefined || pass.turn.now >= Date.parse(startAt)) return DONE;
  return { kind: 'blocked', reason: `the session begins at ${startAt}`, until: Date.parse(startAt) };
};
