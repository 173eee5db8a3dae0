/** More time to answer: which wishes are granted, and how deadlines move with them. */
import { describe, expect, it } from 'vitest';
import { newPass, type Pass } from '../../../src/engine/pass.ts';
import { engineOf } from '../../../src/engine/engine-of.ts';
import { evaluateStep } from '../../../src/engine/evaluate.ts';
import type { RunState } from '../../../src/engine/run/run-state.ts';
import { takeExtensions } from '../../../src/engine/session/extensions.ts';
import {
  newSession,
  type InstanceQuestion,
  type ProjectProgress,
  type SessionProgress,
} from '../../../src/engine/session/session-state.ts';
import type { Plan } from '../../../src/planner/plan.ts';
import type { StepName } from '../../../src/crds/vocabulary.ts';
import type { Turn } from '../../../src/engine/turn.ts';
import { later, NOW } from './constraints/objects.ts';

const whole = (id: string, more: Partial<ProjectProgress> = {}): ProjectProgress => ({
  ...{ id, question: 4, asked: 'PLANNED_MAINTENANCE', askedAt: later(-60), replyBy: later(60) },
  ...{ instances: [], ...more },
});
const single = (instance: string, question: number, more: Partial<InstanceQuestion> = {}) => ({
  ...{ instance, question, host: 'h', project: 'A', asked: 'PLANNED_MAINTENANCE', askedAt: later(-60) },
  ...{ replyBy: later(60), migrationType: 'MIGRATE', groups: [], ...more },
});

type Asked = { readonly projects?: readonly ProjectProgress[]; readonly questions?: readonly unknown[] };
type Wish = { readonly project?: string; readonly question?: number; readonly seconds?: number };

/** A pass in a running step, in which projects ask for more time; the pool allows up to ten minutes. */
function passWith(name: StepName, asked: Asked, wishes: readonly Wish[]): Pass {
  const session = { ...newSession([]), ...asked } as SessionProgress;
  const step = { id: 0, name, timeoutSeconds: 120, result: 'wait', startTime: later(-60) };
  const stage = { id: 0, currentStep: 0, inProgress: true, steps: [step], startTime: later(-60) };
  const apply = { currentStage: 0, stages: [stage], inProgress: true };
  const turn = {
    now: NOW,
    limits: { extendSeconds: 600 },
    extensions: wishes.map((wish, index) => ({
      ...{ id: String(index), project: 'A', question: 4, at: NOW, seconds: 300 },
      ...wish,
    })),
  };
  const plan = { actions: {} } as Plan;
  // Only these parts are looked at.
  const run = { apply, hosts: [], currentPhase: 'apply', state: 'applying', session } as unknown as RunState;
  const pass = newPass(plan, run, turn as unknown as Turn, engineOf(plan), evaluateStep);
  takeExtensions(pass);
  return pass;
}

function verdicts({ replies }: Pass): string[] {
  return replies.map(({ answer, message }) => `${answer}: ${message}`);
}

/** By how much the deadline of the step has moved. */
function moved({ run }: Pass): number {
  return run.apply.stages[0]?.steps[0]?.extendedSeconds ?? 0;
}

describe('more time for the answer of a project', () => {
  it('puts its answer off, and with several projects the deadline of the step by the longest', () => {
    const pass = passWith('ask-projects', { projects: [whole('A'), whole('B')] }, [
      { seconds: 300 },
      { project: 'B', seconds: 200 },
    ]);
    expect(pass.replies.map(({ answer }) => answer)).toEqual(['accepted', 'accepted']);
    expect(pass.run.session?.projects).toMatchObject([
      { replyBy: later(360), extendedSeconds: 300 },
      { replyBy: later(260), extendedSeconds: 200 },
    ]);
    expect(moved(pass)).toBe(300);
  });

  it('counts in all, not besides an earlier extension', () => {
    const pass = passWith('ask-projects', { projects: [whole('A')] }, [{ seconds: 300 }, { seconds: 500 }]);
    expect(pass.run.session?.projects).toMatchObject([{ replyBy: later(560), extendedSeconds: 500 }]);
    expect(moved(pass)).toBe(500);
  });

  it.each([
    [{ project: 'C' }, {}, 'project C was not asked anything in this session'],
    [{ question: 3 }, {}, 'more time is asked for question 3; project A is asked question 4'],
    [{}, { answer: { kind: 'NACK', actions: {} } } as const, 'has answered PLANNED_MAINTENANCE already'],
    [{}, { replyBy: later(-1) }, 'the answer to PLANNED_MAINTENANCE was due at'],
    [{ seconds: 601 }, {}, '601 s are more than the pool allows: 600 s'],
    [{ seconds: 300 }, { extendedSeconds: 300 }, 'the answer may come 300 s later already'],
  ])('is refused: %o', (wish, more, message) => {
    const pass = passWith('ask-projects', { projects: [whole('A', more)] }, [wish]);
    expect(verdicts(pass)).toEqual([expect.stringContaining(`refused: `)]);
    expect(verdicts(pass)[0]).toContain(message);
    expect(moved(pass)).toBe(0);
  });
});

describe('more time for the answers about single instances', () => {
  const questions = [single('i1', 4), single('i2', 6), single('i3', 5, { project: 'B' })];

  it('holds for all that a project is asked about, by the number of the last one', () => {
    const pass = passWith('ask-and-move-instances', { projects: [whole('A')], questions }, [{ question: 6 }]);
    expect(verdicts(pass)).toEqual(['accepted: the answer may come 300 s later']);
    expect(pass.run.session?.questions.map(({ replyBy }) => replyBy)).toEqual([
      later(360),
      later(360),
      later(60),
    ]);
    expect(pass.run.session?.projects[0]?.replyBy).toBe(later(60));
    expect(moved(pass)).toBe(300);
  });

  it('is refused by the number of another one', () => {
    const pass = passWith('ask-and-move-instances', { questions }, [{ question: 4 }]);
    expect(verdicts(pass)).toEqual([
      'refused: more time is asked for question 4; project A is asked question 6',
    ]);
  });

  it('gives a later question its whole time, and one that was put off before no second time', () => {
    const asked = [single('i1', 4, { replyBy: later(360), extendedSeconds: 300 }), single('i2', 6)];
    const pass = passWith('ask-and-move-instances', { questions: asked }, [{ question: 6 }]);
    expect(pass.run.session?.questions.map(({ replyBy }) => replyBy)).toEqual([later(360), later(360)]);
    expect(moved(pass)).toBe(300);
  });
});
