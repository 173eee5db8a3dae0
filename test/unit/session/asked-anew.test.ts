/** What becomes of questions about single instances when something else is asked. */
import { describe, expect, it } from 'vitest';
import type { StageStatus } from '../../../src/crds/observed/strategy-status.ts';
import { engineOf } from '../../../src/engine/engine-of.ts';
import { evaluateStep } from '../../../src/engine/evaluate.ts';
import { newPass, type Pass, type RunJudge } from '../../../src/engine/pass.ts';
import type { RunState } from '../../../src/engine/run/run-state.ts';
import { askProjects } from '../../../src/engine/session/ask-projects.ts';
import { forgetEarlierQuestions } from '../../../src/engine/session/constraints/instance-questions.ts';
import { newSession, type InstanceQuestion } from '../../../src/engine/session/session-state.ts';
import type { Turn } from '../../../src/engine/turn.ts';
import type { Plan } from '../../../src/planner/plan.ts';
import { computes, later, LEAVING, NOW, pod, viewOf } from './constraints/objects.ts';

const ACK = { kind: 'ACK', action: 'MIGRATE' } as const;

function question(instance: string, more: Partial<InstanceQuestion> = {}): InstanceQuestion {
  return {
    ...{ instance, host: 'h1', project: 'web', question: 4, asked: 'PREPARE_MAINTENANCE' },
    ...{ askedAt: later(-30), replyBy: later(-10), migrationType: 'MIGRATE', groups: ['g'], ...more },
  };
}

const [asked, agreed, leaving] = [pod('asked'), pod('agreed'), pod('leaving', { leaving: LEAVING })];

/** A pass after an earlier stage has asked about three instances; one of them leaves. */
function passAfter(): Pass {
  const view = viewOf({ h1: [asked, agreed, leaving] });
  const questions = [
    question(asked.uid),
    question(agreed.uid, { answer: ACK }),
    question(leaving.uid, { answer: ACK }),
  ];
  const earlier = { stage: 1, attempt: 1 };
  const session = { ...newSession(computes('h1')), state: 'SCALE_IN', questions, asking: earlier } as const;
  const terms = { silent: 'fail', replySeconds: 60, scaleInReplySeconds: 60 };
  const plan = { actions: { session: terms } } as unknown as Plan;
  // Only these parts are looked at.
  const apply = { currentStage: 2, stages: [] };
  const run = { apply, hosts: [], skipped: [], currentPhase: 'apply', session } as unknown as RunState;
  const host = (name: string): object => ({ ...view.host(name), isMember: true });
  const turn = { now: NOW, view: { ...view, host } } as unknown as Turn;
  return newPass(plan, run, turn, engineOf(plan), evaluateStep);
}

function askedAbout({ run }: Pass): readonly string[] | undefined {
  return run.session?.questions.map(({ instance }) => instance);
}

const STAGE = { id: 2, attempt: 1 } as StageStatus;

describe('questions about single instances', () => {
  it('that nobody has answered give way to the next question to their project, which else nobody could read', () => {
    const pass = passAfter();
    askProjects(pass, { stage: STAGE } as unknown as Parameters<RunJudge>[1]);
    expect(pass.run.session?.projects).toMatchObject([{ id: 'web', asked: 'SCALE_IN' }]);
    expect(askedAbout(pass)).toEqual([agreed.uid, leaving.uid]);
  });

  it('are asked anew in the next stage, but what leaves since then is still affected', () => {
    const pass = passAfter();
    forgetEarlierQuestions(pass, STAGE);
    expect(askedAbout(pass)).toEqual([leaving.uid]);
  });
});
