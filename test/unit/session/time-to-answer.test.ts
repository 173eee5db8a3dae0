import { describe, expect, it } from 'vitest';
import type { SessionTerms } from '../../../src/crds/spec/session-terms.ts';
import { engineOf } from '../../../src/engine/engine-of.ts';
import { evaluateStep } from '../../../src/engine/evaluate.ts';
import { newPass, type Pass, type RunJudge } from '../../../src/engine/pass.ts';
import type { RunState } from '../../../src/engine/run/run-state.ts';
import { askProjects } from '../../../src/engine/session/ask-projects.ts';
import {
  newSession,
  withMoreTimeToAnswer,
  type ProjectProgress,
} from '../../../src/engine/session/session-state.ts';
import type { Turn } from '../../../src/engine/turn.ts';
import type { Plan } from '../../../src/planner/plan.ts';
import { later, NOW } from './constraints/objects.ts';

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

/** The projects of a session and the verdict, a moment after the answer of A was due; B has more time. */
function judged(silent: SessionTerms['silent']): {
  readonly pass: Pass;
  readonly verdict: ReturnType<RunJudge>;
} {
  const projects = [
    { ...asked, replyBy: later(0) },
    { ...asked, id: 'B', question: 2, replyBy: later(60), extendedSeconds: 60 },
  ];
  const session = { ...newSession([]), projects, asking: { stage: 0, attempt: 1 } };
  const terms = { silent, replySeconds: 60, scaleInReplySeconds: 60 };
  const plan = { actions: { session: terms } } as unknown as Plan;
  // Only these parts are looked at.
  const apply = { currentStage: 0, stages: [] };
  const run = { apply, hosts: [], currentPhase: 'apply', session } as unknown as RunState;
  const pass = newPass(plan, run, { now: NOW } as unknown as Turn, engineOf(plan), evaluateStep);
  const running = { stage: { id: 0 } } as unknown as Parameters<RunJudge>[1];
  return { pass, verdict: askProjects(pass, running) };
}

describe('a project that was given more time', () => {
  it('has it, when the silence of another one counts as consent before', () => {
    const { pass, verdict } = judged('proceed');
    expect(verdict).toEqual({
      ...{ kind: 'blocked', reason: 'waiting for the answer of project B to MAINTENANCE' },
      until: NOW + 60_000,
    });
    expect(pass.run.session?.projects).toMatchObject([{ answer: { assumed: true } }, { id: 'B' }]);
    expect(pass.run.session?.projects[1]?.answer).toBeUndefined();
  });

  it('is none of the silent ones, when another one fails the session', () => {
    expect(judged('fail').verdict).toEqual({
      ...{ kind: 'failed', reason: 'project A did not answer MAINTENANCE in 60 s' },
    });
  });
});
