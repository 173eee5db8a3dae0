/** With `onSilence: wait`, the time for the moves of a host begins when the owners have answered. */
import { describe, expect, it } from 'vitest';
import type { SessionTerms } from '../../../src/crds/spec/session-terms.ts';
import type { StageStatus } from '../../../src/crds/observed/strategy-status.ts';
import { engineOf } from '../../../src/engine/engine-of.ts';
import { evaluateStep } from '../../../src/engine/evaluate.ts';
import { newPass } from '../../../src/engine/pass.ts';
import type { RunState } from '../../../src/engine/run/run-state.ts';
import type { Running } from '../../../src/engine/run/run-state.ts';
import type { Elsewhere } from '../../../src/engine/session/constraints/elsewhere.ts';
import { giveTimeToOwners } from '../../../src/engine/session/constraints/time-of-owners.ts';
import { newSession, type InstanceQuestion } from '../../../src/engine/session/session-state.ts';
import type { Turn } from '../../../src/engine/turn.ts';
import type { Plan } from '../../../src/planner/plan.ts';
import { later, LEAVING, membersOf, NOW, pod, viewOf } from './constraints/objects.ts';

/** By how much the deadline moves of a step of ten minutes that began some minutes ago. */
function moved(
  question: Partial<InstanceQuestion> | undefined,
  {
    silent = 'wait',
    begunSeconds = -300,
    ...turn
  }: {
    readonly silent?: SessionTerms['silent'];
    readonly begunSeconds?: number;
  } & Partial<Pick<Turn, 'elsewhere' | 'constraints'>> & { readonly view?: object } = {},
): number {
  const asked = { instance: 'i1', replyBy: later(-200), groups: [], ...question };
  const questions = (question ? [asked] : []) as unknown as InstanceQuestion[];
  const session = { ...newSession([]), questions };
  const plan = { actions: { session: { silent } } } as unknown as Plan;
  const step = { id: 0, name: 'ask-and-move-instances', timeoutSeconds: 600, startTime: later(begunSeconds) };
  const stage = { id: 0, hosts: ['h1'], steps: [step] } as unknown as StageStatus;
  const phase = { currentStage: 0, stages: [stage] };
  // Only these parts are looked at.
  const run = { apply: phase, hosts: [], currentPhase: 'apply', session } as unknown as RunState;
  const pass = newPass(plan, run, { now: NOW, ...turn } as unknown as Turn, engineOf(plan), evaluateStep);
  const running = { phase, stage, step } as unknown as Running;
  giveTimeToOwners(pass, running);
  return running.step.extendedSeconds ?? 0;
}

describe('the time for the moves of a host', () => {
  it('begins anew while an answer is overdue that is waited for', () => {
    expect(moved({})).toBe(300);
  });

  it('is not moved at every pass', () => {
    expect(moved({}, { begunSeconds: -50 })).toBe(0);
  });

  it('runs while the answer is not due, and once it is there', () => {
    expect(moved({ replyBy: later(5) })).toBe(0);
    expect(moved({ answer: { kind: 'ACK' } })).toBe(0);
  });

  it('runs where silence is an answer', () => {
    expect(moved({}, { silent: 'proceed' })).toBe(0);
  });

  describe('begins anew while another session holds up an instance of the host', () => {
    const a = pod('a');
    const affected = [{ session: 'ops/other', instance: 'far', group: 'g' }];
    const elsewhere: Elsewhere = { affected, uncertain: [], hosts: [] };
    const held = { elsewhere, constraints: membersOf([a]), view: viewOf({ h1: [a] }) };

    it('whatever silence means', () => {
      expect(moved(undefined, { ...held, silent: 'fail' })).toBe(300);
      expect(moved(undefined, { ...held, elsewhere: { ...elsewhere, affected: [] } })).toBe(0);
      expect(moved(undefined, { ...held, view: viewOf({ h1: [] }) })).toBe(0);
      expect(moved(undefined, { ...held, view: viewOf({ h1: [{ ...a, leaving: LEAVING }] }) })).toBe(0);
    });

    it('but not while it has a question of its own, which may hold up the other one', () => {
      expect(moved({ replyBy: later(5) }, { ...held, silent: 'fail' })).toBe(0);
    });
  });
});
