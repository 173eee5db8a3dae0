import { describe, expect, it } from 'vitest';
import { judgeReply } from '../../../src/engine/session/replies.ts';
import type { ProjectProgress, ProjectReply } from '../../../src/engine/session/session-state.ts';

const DUE = Date.parse('2026-11-27T10:00:00Z');
const asked: ProjectProgress = {
  id: 'A',
  question: 4,
  asked: 'PLANNED_MAINTENANCE',
  askedAt: '2026-11-27T09:59:00Z',
  replyBy: '2026-11-27T10:00:00Z',
  instances: ['i1', 'i2'],
};
const both = { i1: 'MIGRATE', i2: 'OWN_ACTION' } as const;
const right: ProjectReply = {
  ...{ id: '1', project: 'A', at: DUE, state: 'ACK_PLANNED_MAINTENANCE', instanceActions: both },
};

function judged(
  reply: Partial<ProjectReply>,
  project: ProjectProgress | undefined = asked,
  lateCounts = false,
) {
  return judgeReply(project, { ...right, ...reply }, { lateCounts });
}

describe('judgeReply', () => {
  it('takes an action for each instance that was asked about', () => {
    expect(judged({})).toEqual({ kind: 'ACK', actions: both });
  });

  it('takes a refusal without actions', () => {
    expect(judged({ state: 'NACK_PLANNED_MAINTENANCE', instanceActions: undefined })).toEqual({
      kind: 'NACK',
      actions: {},
    });
  });

  it('ignores actions where none is asked for', () => {
    expect(judged({ state: 'ACK_SCALE_IN' }, { ...asked, asked: 'SCALE_IN' })).toEqual({
      kind: 'ACK',
      actions: {},
    });
  });

  it.each([
    [{ at: DUE + 1 }, 'the answer to PLANNED_MAINTENANCE was due at 2026-11-27T10:00:00Z'],
    [
      { state: 'ACK_SCALE_IN' },
      'state is ACK_SCALE_IN; it must be ACK_PLANNED_MAINTENANCE or NACK_PLANNED_MAINTENANCE',
    ],
    [{ state: 'PLANNED_MAINTENANCE' }, 'state is PLANNED_MAINTENANCE; it must be'],
    [{ instanceActions: undefined }, 'instance_actions lacks i1'],
    [{ instanceActions: { i1: 'MIGRATE' } }, 'instance_actions lacks i2'],
    [
      { instanceActions: { ...both, i9: 'MIGRATE' } },
      'instance_actions names i9, which PLANNED_MAINTENANCE does not ask about',
    ],
    [
      { instanceActions: { ...both, i1: 'FLY' } },
      'instance_actions.i1 is FLY; it must be MIGRATE or LIVE_MIGRATE or OWN_ACTION',
    ],
  ])('refuses %o', (reply, message) => {
    expect(judged(reply)).toContain(message);
  });

  it('refuses what was answered already, and what nobody asked', () => {
    const answered = { ...asked, answer: { kind: 'ACK', actions: both } } as const;
    expect(judged({}, answered)).toBe('project A has answered PLANNED_MAINTENANCE already, with ACK');
    expect(judgeReply(undefined, right, { lateCounts: false })).toContain('project A was not asked');
  });

  it('takes a late answer where nothing ends without it', () => {
    expect(judged({ at: DUE + 1 }, asked, true)).toMatchObject({ kind: 'ACK' });
  });
});
