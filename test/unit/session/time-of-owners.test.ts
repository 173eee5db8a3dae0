/** With `onSilence: wait`, the time for the moves of a host begins when the owners have answered. */
import { describe, expect, it } from 'vitest';
import type { SessionTerms } from '../../../src/crds/spec/session-terms.ts';
import type { StageStatus } from '../../../src/crds/observed/strategy-status.ts';
import { engineOf } from '../../../src/engine/engine-of.ts';
import { evaluateStep } from '../../../src/engine/evaluate.ts';
import { newPass } from '../../../src/engine/pass.ts';
import type { RunState } from '../../../src/engine/run/run-state.ts';
import type { Running } from '../../../src/engine/run/run-state.ts';
import { giveTimeToOwners } from '../../../src/engine/session/constraints/time-of-owners.ts';
import { newSession, type InstanceQuestion } from '../../../src/engine/session/session-state.ts';
import type { Turn } from '../../../src/engine/turn.ts';
import type { Plan } from '../../../src/planner/plan.ts';
import { later, NOW } from './constraints/objects.ts';

/** By how much the deadline moves of a step of ten minutes that began some minutes ago. */
function moved(
  question: Partial<InstanceQuestion>,
  {
    silent = 'wait',
    begunSeconds = -300,
  }: { readonly silent?: SessionTerms['silent']; readonly begunSeconds?: number } = {},
): number {
  const questions = [{ instance: 'i1', replyBy: later(-200), ...question }] as unknown as InstanceQuestion[];
  const session = { ...newSession([]), questions };
  const plan = { actions: { session: { silent } } } as unknown as Plan;
  const step = { id: 0, name: 'ask-and-move-instances', timeoutSeconds: 600, startTime: later(begunSeconds) };
  const stage = { id: 0, steps: [step] } as unknown as StageStatus;
  const phase = { currentStage: 0, stages: [stage] };
  // Only these parts are looked at.
  const run = { apply: phase, hosts: [], currentPhase: 'apply', session } as unknown as RunState;
  const pass = newPass(plan, run, { now: NOW } as unknown as Turn, engineOf(plan), evaluateStep);
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
});
