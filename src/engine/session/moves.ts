/** The moves of single instances: asked for, awaited, and told of at their end. */
import type { MoveAction } from '../../crds/vocabulary.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { effectKey, type Outcome } from '../effect.ts';
import type { Pass } from '../pass.ts';
import { failed, type Verdict } from '../steps/verdict.ts';
import type { InstanceFacts, Instant, Leaving } from '../view.ts';
import { instancesOn, projectOf } from './occupancy.ts';
import { sessionOf } from './session-of.ts';
import { told, type Move } from './session-state.ts';

/** The host that instances leave, and the step in which they do. */
export type Leave = { readonly host: HostName; readonly step: string; readonly attempt: number };

/** Tells the owners of the instances that have left their hosts. */
export function recordEnds(pass: Pass): void {
  for (const move of sessionOf(pass).session.moves) {
    if (move.done || isThere(pass, move) !== false) continue;
    const { session } = sessionOf(pass);
    const moves = session.moves.map((each) => (each === move ? { ...each, done: true } : each));
    const next = { ...session, moves };
    pass.run.session = move.action === 'OWN_ACTION' ? next : told(next, doneEvent(move));
  }
}

/** Whether an instance is on the host that it was to leave; undefined where that is not known. */
export function isThere(
  { turn: { view } }: Pass,
  { instance, host }: Pick<Move, 'instance' | 'host'>,
): boolean | undefined {
  if (!view.host(host)) return false;
  return instancesOn(view, host)?.some(({ uid }) => uid === instance);
}

function doneEvent({ project, instance }: Move): Parameters<typeof told>[1] {
  const nothing = { allowedActions: [] };
  return { type: 'project', project, state: 'INSTANCE_ACTION_DONE', instances: [instance], ...nothing };
}

/** Asks for the move of an instance, which is recorded before. */
export function requestMove(
  pass: Pass,
  leave: Leave,
  instance: InstanceFacts,
  action: Exclude<MoveAction, 'OWN_ACTION'>,
  notTo: readonly HostName[] = [],
): Verdict {
  const { words } = pass.turn.view;
  const { stuck, waitsFor, uid, namespace, name } = instance;
  if (stuck !== undefined)
    return { kind: 'blocked', reason: `${words.instance(instance)} ${stuck}`, obstacle: 'DrainBlocked' };
  if (waitsFor !== undefined) return { kind: 'blocked', reason: `${words.instance(instance)} ${waitsFor}` };
  const subject = instance.request === undefined ? uid : `${uid}:${instance.request}`;
  const key = moveKey(pass, leave, subject);
  const outcome = pass.turn.outcomes.get(key);
  if (outcome?.kind === 'refused') return failed(outcome.reason);
  if (outcome?.kind === 'blocked' && (outcome.retryAt ?? 0) > pass.turn.now)
    return blockedUntil(outcome, pass.turn.now);
  begin(pass, leave, instance, action);
  if (outcome?.kind === 'accepted' || outcome?.kind === 'already')
    return { kind: 'wait', reason: `${words.instance(instance)} was asked to leave` };
  const effect = {
    kind: 'evict',
    key,
    host: leave.host,
    instance: { uid, namespace, name },
    by: action,
  } as const;
  return {
    kind: 'act',
    effects: [notTo.length > 0 ? { ...effect, notTo } : effect],
    reason: `${words.instance(instance)} is asked to leave ${leave.host} by ${action}`,
  };
}

function blockedUntil({ reason, retryAt }: Outcome & { kind: 'blocked' }, now: Instant): Verdict {
  return { kind: 'blocked', reason, obstacle: 'DrainBlocked', until: retryAt ?? now };
}

export function moveKey({ run }: Pass, { host, step, attempt }: Leave, subject: string): string {
  return effectKey(run.id, run.apply.currentStage, step, host, subject, attempt);
}

/** Awaits the end of an instance that is on its way. */
export function awaitMove(
  { turn: { view, now } }: Pass,
  instance: InstanceFacts,
  { since, due, heldBy }: Leaving,
): Verdict & { kind: 'wait' } {
  const end = { since: new Date(since).toISOString(), isOverdue: now >= due, heldBy, hostIsReady: true };
  return { kind: 'wait', reason: `${view.words.instance(instance)} ${view.words.leaving(end)}` };
}

/** Records that an instance is moved, or that its owner replaces it. */
export function begin(pass: Pass, { host }: Leave, instance: InstanceFacts, action: MoveAction): void {
  const { session } = sessionOf(pass);
  const before = moveOf(pass, instance.uid);
  if (before?.action === action && before.host === host) return;
  const move: Move = { instance: instance.uid, host, project: projectOf(instance), action, done: false };
  pass.run.session = { ...session, moves: [...session.moves.filter((each) => each !== before), move] };
}

/** The move of an instance that has not ended. */
export function moveOf(pass: Pass, uid: string): Move | undefined {
  return sessionOf(pass).session.moves.find(({ instance, done }) => instance === uid && !done);
}
