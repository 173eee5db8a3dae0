/** What a session affects, as another one reads it from its status. */
import { describe, expect, it } from 'vitest';
import type { StageStatus } from '../../../../src/crds/observed/strategy-status.ts';
import {
  affectedIn,
  affectsNothing,
  type SessionTraces,
} from '../../../../src/engine/session/constraints/elsewhere.ts';
import type { InstanceQuestion } from '../../../../src/engine/session/session-state.ts';
import { later, LEAVING, NOW, pod, viewOf } from './objects.ts';

const a = pod('a');
const ACK = { kind: 'ACK' } as const;
const SEEN = viewOf({ h1: [a] });
const ON_ITS_WAY = viewOf({ h1: [{ ...a, leaving: LEAVING }] });

function asks(answer?: InstanceQuestion['answer']): InstanceQuestion {
  return {
    ...{ instance: a.uid, host: 'h1', project: 'web', asked: 'PLANNED_MAINTENANCE', askedAt: later(-9) },
    ...{ replyBy: later(9), migrationType: 'MIGRATE', groups: ['g', 'h'] },
    ...(answer ? { answer } : {}),
  };
}

/** A session whose stage 3 has asked, in this stage and attempt now. */
function traces(
  fields: Partial<NonNullable<SessionTraces['session']>>,
  { state = 'applying', attempt = 1, inProgress = true } = {},
): SessionTraces {
  const stage = { id: 3, attempt, inProgress } as unknown as StageStatus;
  const applyPhase = { currentStage: 3, earlier: { stages: 3 }, stages: [stage] };
  const session = { questions: [], recovering: [], asking: { stage: 3, attempt: 1 }, ...fields };
  // Only these parts are looked at.
  return { state, applyPhase, session } as unknown as SessionTraces;
}

/** What a session affects, where whoever is gone was first seen so now. */
function affectedBy(session: SessionTraces, view: typeof SEEN): ReturnType<typeof affectedIn> {
  return affectedIn('ops/other', session, view, () => NOW);
}

const under = ['g', 'h'].map((group) => ({ session: 'ops/other', instance: a.uid, group }));

/** It recovers, and nobody has recorded that: its session had ended when it left. */
const gone = under.map((each) => ({ ...each, leftAt: NOW }));

describe('another session affects', () => {
  it('whom it asks about, whatever the answer and wherever the instance is seen', () => {
    for (const answer of [undefined, ACK])
      expect(affectedBy(traces({ questions: [asks(answer)] }), SEEN)).toEqual({
        ...{ affected: under, hosts: [] },
      });
  });

  it('what recovers, also once it has ended or is planned again', () => {
    const recovering = [{ instance: a.uid, group: 'g', until: later(7) }];
    const affected = [{ session: 'ops/other', instance: a.uid, group: 'g', until: NOW + 7000 }];
    const ended = traces({ recovering }, { state: 'applied', inProgress: false });
    expect(affectedBy(ended, SEEN).affected).toEqual(affected);
    expect(affectedBy({ affected: { questions: [], recovering } }, SEEN).affected).toEqual(affected);
  });

  it.each([
    ['has failed', { state: 'apply-failed' }],
    ['tries the stage again', { attempt: 2 }],
    ['is between two stages', { inProgress: false }],
  ])('when it %s, only what its owner has agreed to move, and what is on its way or gone', (_, at) => {
    const agreed = traces({ questions: [asks(ACK)] }, at);
    expect(affectedBy(agreed, ON_ITS_WAY)).toEqual({ affected: under, hosts: ['h1'] });
    expect(affectedBy(agreed, SEEN)).toEqual({ affected: [], hosts: ['h1'] });
    expect(affectedBy(agreed, viewOf({ h1: [] })).affected).toEqual(gone);
    const silent = traces({ questions: [asks()] }, at);
    expect(affectedBy(silent, ON_ITS_WAY)).toEqual({ affected: [], hosts: [] });
  });

  it('what may be on its way, until its host is observed', () => {
    const agreed = traces({ questions: [asks(ACK)] }, { state: 'apply-failed' });
    const unseen = { host: () => ({ name: 'h1', instances: undefined }) } as unknown as typeof SEEN;
    expect(affectedBy(agreed, unseen)).toEqual({ affected: under, hosts: ['h1'] });
    expect(affectedBy(agreed, viewOf({})).affected).toEqual(gone);
  });

  it('nothing without questions and recoveries', () => {
    expect(affectsNothing({})).toBe(true);
    expect(affectsNothing(traces({}))).toBe(true);
    expect(affectsNothing(traces({ questions: [asks()] }))).toBe(false);
    expect(affectsNothing({ affected: { questions: [asks()], recovering: [] } })).toBe(false);
  });
});
