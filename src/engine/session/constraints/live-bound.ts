/** Bounds live migrations by the constraints of their owners (fenix.md §10). */
import type { Pass } from '../../pass.ts';
import type { Verdict } from '../../steps/verdict.ts';
import type { InstanceFacts } from '../../view.ts';
import { awaitMove, moveKey, moveOf, type Leave } from '../moves.ts';
import { sessionOf } from '../session-of.ts';
import type { Constraints } from './constraints.ts';

/**
 * Calls off the live migration of an instance that takes longer than its constraint allows. Where its host cannot do that,
 * the reason tells of it. Undefined for any other move.
 */
export function boundLiveMove(
  pass: Pass,
  leave: Leave,
  instance: InstanceFacts,
  { instances }: Constraints,
): Verdict | undefined {
  const { uid, leaving } = instance;
  const most = instances.get(uid)?.maxInterruptionSeconds;
  if (!leaving || most === undefined || moveOf(pass, uid)?.action !== 'LIVE_MIGRATE') return undefined;
  const over = leaving.since + most * 1000;
  const waits = awaitMove(pass, instance, leaving);
  const { now, outcomes, view } = pass.turn;
  if (now <= over) return { ...waits, until: over + 1 };
  noteOverrun(pass, uid);
  const reason = `${view.words.instance(instance)} moves live for longer than the ${String(most)} s that its constraint allows`;
  const key = moveKey(pass, leave, `${uid}:call-off`);
  const outcome = outcomes.get(key);
  switch (outcome?.kind) {
    case 'refused':
      return { ...waits, reason: `${reason}, and cannot be called off: ${outcome.reason}` };
    case 'accepted':
    case 'already':
      return { ...waits, reason: `${reason}: it was called off` };
    case 'blocked':
      if ((outcome.retryAt ?? 0) > now)
        return { ...waits, reason: `${reason}: ${outcome.reason}`, until: outcome.retryAt ?? now };
      break;
    default:
  }
  const { namespace, name } = instance;
  const effect = { kind: 'call-off', key, host: leave.host, instance: { uid, namespace, name } } as const;
  return { kind: 'act', effects: [effect], reason: `${reason}: it is called off` };
}

/** Why the move of an instance has failed that was called off and is on its host still; undefined for any other. */
export function overranBefore(pass: Pass, instance: InstanceFacts): string | undefined {
  if (moveOf(pass, instance.uid)?.overran !== true) return undefined;
  const name = pass.turn.view.words.instance(instance);
  return `${name} was moved live for longer than its constraint allows (maxInterruptionSeconds), so that was called off`;
}

function noteOverrun(pass: Pass, uid: string): void {
  const { session } = sessionOf(pass);
  const moves = session.moves.map((move) =>
    move.instance === uid && !move.done ? { ...move, overran: true as const } : move,
  );
  pass.run.session = { ...session, moves };
}
