/** The wishes of projects for more time to answer (fenix.md §5): which are granted, and what the others do wrong. */
import type { Pass } from '../pass.ts';
import { runningStep } from '../run/run-state.ts';
import { moveDeadlines } from '../run/timers.ts';
import {
  awaitedFrom,
  endedReason,
  hasEnded,
  type InstanceQuestion,
  type ProjectProgress,
  type ReplyExtension,
  type SessionProgress,
} from './session-state.ts';

/** Records the extensions of this turn, and moves the deadline of the step with them. */
export function takeExtensions(pass: Pass): void {
  for (const extension of pass.turn.extensions ?? []) {
    const refusal = extend(pass, extension);
    const { id, seconds } = extension;
    pass.replies.push({
      id,
      answer: refusal === undefined ? 'accepted' : 'refused',
      message: refusal ?? `the answer may come ${String(seconds)} s later`,
    });
  }
}

/** Puts the answer to a question off, or returns why not. */
function extend(pass: Pass, extension: ReplyExtension): string | undefined {
  const { session } = pass.run;
  if (session && hasEnded(session)) return endedReason(session);
  const found = session && questionIn(session, extension.project);
  if (!found) return `project ${extension.project} was not asked anything in this session`;
  const refusal = againstExtension(found, extension, pass.turn.limits?.extendSeconds ?? 0);
  if (refusal !== undefined) return refusal;
  const { seconds } = extension;
  pass.run.session = {
    ...session,
    projects: session.projects.map((each) => (found.asks.includes(each) ? putOff(each, seconds) : each)),
    questions: session.questions.map((each) => (found.asks.includes(each) ? putOff(each, seconds) : each)),
  };
  moveDeadline(pass, session, seconds - found.extendedSeconds);
  return undefined;
}

/**
 * Projects answer at the same time: the longest extension counts. Owners of single instances may answer one after another:
 * there each extension counts.
 */
function moveDeadline({ run }: Pass, before: SessionProgress, more: number): void {
  const running = runningStep(run);
  if (running?.step.name === 'ask-and-move-instances') moveDeadlines(running, more);
  if (running?.step.name === 'ask-projects')
    moveDeadlines(running, longestIn(run.session ?? before) - longestIn(before));
}

function longestIn({ projects }: SessionProgress): number {
  return Math.max(0, ...projects.map(({ extendedSeconds = 0 }) => extendedSeconds));
}

type Extendable = Pick<ProjectProgress, 'replyBy' | 'extendedSeconds'>;

/** What a project is asked under one number. */
type Asked = Pick<ProjectProgress, 'id' | 'question' | 'asked' | 'replyBy' | 'answer'> & {
  /** All that is put off together. */
  readonly asks: readonly (ProjectProgress | InstanceQuestion)[];
  readonly extendedSeconds: number;
};

/** Questions about single instances are answered together, by the number of the last one (MaintenanceNotice). */
function questionIn(session: SessionProgress, id: string): Asked | undefined {
  const single = awaitedFrom(session, id);
  const last = single.toSorted((a, b) => (b.question ?? 0) - (a.question ?? 0))[0];
  if (last) {
    const { question = 0, asked } = last;
    const replyBy = single.map((each) => each.replyBy).toSorted()[0] ?? last.replyBy;
    const extendedSeconds = Math.min(...single.map((each) => each.extendedSeconds ?? 0));
    return { id, question, asked, replyBy, asks: single, extendedSeconds };
  }
  const whole = session.projects.find((each) => each.id === id);
  return whole && { ...whole, asks: [whole], extendedSeconds: whole.extendedSeconds ?? 0 };
}

/** The same with so many seconds in all, unless it has as many. */
function putOff<T extends Extendable>(question: T, seconds: number): T {
  const { replyBy, extendedSeconds = 0 } = question;
  const more = Math.max(0, seconds - extendedSeconds);
  return {
    ...question,
    replyBy: new Date(Date.parse(replyBy) + more * 1000).toISOString(),
    extendedSeconds: extendedSeconds + more,
  };
}

/** Why the answer may not come later; undefined when it may. */
function againstExtension(
  { id, question: number, asked, replyBy, answer, extendedSeconds }: Asked,
  { question, at, seconds }: ReplyExtension,
  mostSeconds: number,
): string | undefined {
  if (question !== number)
    return `more time is asked for question ${String(question)}; project ${id} is asked question ${String(number)}`;
  if (answer) return `project ${id} has answered ${asked} already, with ${answer.kind}`;
  if (at > Date.parse(replyBy)) return `the answer to ${asked} was due at ${replyBy}`;
  if (seconds > mostSeconds)
    return mostSeconds === 0
      ? 'the pool allows no more time (spec.tenants.extendSeconds)'
      : `${String(seconds)} s are more than the pool allows: ${String(mostSeconds)} s (spec.tenants.extendSeconds)`;
  return seconds <= extendedSeconds
    ? `the answer may come ${String(extendedSeconds)} s later already`
    : undefined;
}
