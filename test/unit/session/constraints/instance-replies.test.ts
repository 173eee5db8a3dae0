import { describe, expect, it } from 'vitest';
import { judgeInstanceReply } from '../../../../src/engine/session/constraints/instance-replies.ts';
import type { InstanceQuestion, ProjectReply } from '../../../../src/engine/session/session-state.ts';
import { later, NOW } from './objects.ts';

const question: InstanceQuestion = {
  ...{
    instance: 'i1',
    host: 'h',
    project: 'A',
    question: 4,
    asked: 'PLANNED_MAINTENANCE',
    askedAt: later(-60),
  },
  ...{ replyBy: later(0), migrationType: 'MIGRATE', groups: [] },
};
const right: ProjectReply = {
  id: '1',
  project: 'A',
  instance: 'i1',
  at: NOW,
  state: 'ACK_PLANNED_MAINTENANCE',
};

function judged(
  reply: Partial<ProjectReply>,
  asked: InstanceQuestion | undefined = question,
  lateCounts = false,
) {
  return judgeInstanceReply(
    asked,
    { ...right, ...reply },
    { lateCounts, actions: ['MIGRATE', 'OWN_ACTION'] },
  );
}

describe('an answer about one instance', () => {
  it('may leave out how it is moved: then the constraint says it', () => {
    expect(judged({})).toEqual({ kind: 'ACK', action: 'MIGRATE' });
    expect(judged({ instanceActions: { i1: 'OWN_ACTION' } })).toEqual({ kind: 'ACK', action: 'OWN_ACTION' });
  });

  it('may refuse', () => {
    expect(judged({ state: 'NACK_PLANNED_MAINTENANCE' })).toEqual({ kind: 'NACK' });
  });

  it.each([
    [{ project: 'B' }, 'project B is not asked about instance i1'],
    [{ question: 3 }, 'the answer is to question 3; project A is asked question 4 about instance i1'],
    [{ at: NOW + 1 }, 'was due at 2026-11-27T10:00:00.000Z'],
    [
      { state: 'ACK_SCALE_IN' },
      'state is ACK_SCALE_IN; it must be ACK_PLANNED_MAINTENANCE or NACK_PLANNED_MAINTENANCE',
    ],
    [{ instanceActions: { i2: 'MIGRATE' } }, 'the answer for instance i1 names i2'],
    [
      { instanceActions: { i1: 'LIVE_MIGRATE' } },
      'instance_action is LIVE_MIGRATE; it must be MIGRATE or OWN_ACTION',
    ],
    [{ instanceActions: { i1: 'FLY' } }, 'instance_action is FLY'],
  ])('is refused: %o', (reply, message) => {
    expect(judged(reply)).toContain(message);
  });

  it('is refused where nobody was asked, and where it was answered', () => {
    const { question: _none, ...unasked } = question;
    expect(judged({}, unasked)).toContain('is not asked about instance i1');
    expect(judged({}, { ...question, answer: { kind: 'ACK' } })).toContain('already, with ACK');
  });

  it('may be late where nothing ends without it', () => {
    expect(judged({ at: NOW + 1 }, question, true)).toMatchObject({ kind: 'ACK' });
  });
});
