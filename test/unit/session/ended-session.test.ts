/** What is said to a session that has ended. */
import { expect, it } from 'vitest';
import { engineOf } from '../../../src/engine/engine-of.ts';
import { evaluateStep } from '../../../src/engine/evaluate.ts';
import { newPass } from '../../../src/engine/pass.ts';
import type { RunState } from '../../../src/engine/run/run-state.ts';
import { takeExtensions } from '../../../src/engine/session/extensions.ts';
import { takeReplies } from '../../../src/engine/session/replies.ts';
import { newSession, type SessionProgress } from '../../../src/engine/session/session-state.ts';
import type { Turn } from '../../../src/engine/turn.ts';
import type { Plan } from '../../../src/planner/plan.ts';
import { later, NOW } from './constraints/objects.ts';

it.each(['MAINTENANCE_FAILED', 'MAINTENANCE_DONE'] as const)(
  'in %s every answer and every wish for more time is refused, also in its time',
  (state) => {
    const session: SessionProgress = {
      ...newSession([]),
      state,
      projects: [
        {
          ...{ id: 'A', question: 1, asked: 'MAINTENANCE', askedAt: later(-60), replyBy: later(60) },
          instances: [],
        },
      ],
    };
    const turn = {
      ...{ now: NOW, limits: { extendSeconds: 600 } },
      replies: [{ id: 'reply', project: 'A', question: 1, at: NOW, state: 'ACK_MAINTENANCE' }],
      extensions: [{ id: 'extension', project: 'A', question: 1, at: NOW, seconds: 300 }],
    };
    const plan = { actions: {} } as Plan;
    // Only these parts are looked at.
    const run = { apply: { stages: [] }, hosts: [], session } as unknown as RunState;
    const pass = newPass(plan, run, turn as unknown as Turn, engineOf(plan), evaluateStep);
    takeReplies(pass);
    takeExtensions(pass);
    const message = `the session has ended in ${state}: no answer is awaited`;
    expect(pass.replies).toEqual([
      { id: 'reply', answer: 'refused', message },
      { id: 'extension', answer: 'refused', message },
    ]);
    expect(pass.run.session).toEqual(session);
  },
);
