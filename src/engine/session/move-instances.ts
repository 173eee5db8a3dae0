/** Moves the instances of a host as their projects have answered, one after another (fenix.md §6). */
import type { HostName } from '../../planner/hosts/facts.ts';
import { effectKey } from '../effect.ts';
import type { Pass, RunJudge } from '../pass.ts';
import { DONE, failed, type Verdict } from '../steps/verdict.ts';
import type { InstanceFacts } from '../view.ts';
import { instancesOn, projectOf } from './occupancy.ts';
import { sessionOf } from './session-of.ts';
import type { MoveAction } from '../../crds/vocabulary.ts';
import { told, type Move, type SessionProgress } from './session-state.ts';

export const moveInstances: RunJudge = (pass, { stage, step }) => {
  const host = stage.hosts?.[0] ?? '';
  const instances = instancesOn(pass.turn.view, host);
  if (!instances) return { kind: 'blocked', reason: `waiting to see what runs on ${host}` };
  pass.run.session = recordEnds(pass, instances);
  if (instances.length === 0) return DONE;
  return moveNext(pass, { host, instances, step: step.name, attempt: stage.attempt ?? 1 });
};

/** Tells the owners of the instances that have left the host. */
function recordEnds(pass: Pass, instances: readonly InstanceFacts[]): SessionProgress {
  const { session } = sessionOf(pass);
  let next = session;
  for (const move of session.moves) {
    if (move.done || instances.some(({ uid }) => uid === move.instance)) continue;
    const moves = next.moves.map((each) => (each === move ? { ...each, done: true } : each));
    next = { ...next, moves };
    if (move.action !== 'OWN_ACTION') next = told(next, doneEvent(move));
  }
  return next;
}

function doneEvent({ project, instance }: Move): Parameters<typeof told>[1] {
  const nothing = { allowedActions: [] };
  return { type: 'project', project, state: 'INSTANCE_ACTION_DONE', instances: [instance], ...nothing };
}

type OnHost = {
  readonly host: HostName;
  readonly instances: readonly InstanceFacts[];
  readonly step: string;
  readonly attempt: number;
};

/** Asks the next instance to leave; while one is on its way, no other is asked. */
function moveNext(pass: Pass, { host, instances, step, attempt }: OnHost): Verdict {
  const { view, outcomes, now } = pass.turn;
  const { words } = view;
  const moving = instances.find(({ leaving }) => leaving);
  if (moving?.leaving) {
    // It may have been asked before the session failed.
    const asked = actionFor(pass, moving);
    if (asked !== undefined) begin(pass, moving, asked);
    const { since, due, heldBy } = moving.leaving;
    const end = { since: new Date(since).toISOString(), isOverdue: now >= due, heldBy, hostIsReady: true };
    return { kind: 'wait', reason: `${words.instance(moving)} ${words.leaving(end)}` };
  }
  const wanted = instances.map((instance) => ({ instance, action: actionFor(pass, instance) }));
  const unknown = wanted.find(({ action }) => action === undefined);
  if (unknown)
    return failed(
      `${words.instance(unknown.instance)} is on ${host}, and project ${projectOf(unknown.instance)} was not asked how to move it`,
    );
  const next = wanted.flatMap(({ instance, action }) =>
    action === undefined || action === 'OWN_ACTION' ? [] : [{ instance, action }],
  )[0];
  if (!next)
    return {
      kind: 'blocked',
      reason: `${host} waits for its owners to replace ${words.instances(wanted.length)}`,
    };
  const { instance, action } = next;
  const { stuck, waitsFor } = instance;
  if (stuck !== undefined)
    return { kind: 'blocked', reason: `${words.instance(instance)} ${stuck}`, obstacle: 'DrainBlocked' };
  if (waitsFor !== undefined) return { kind: 'blocked', reason: `${words.instance(instance)} ${waitsFor}` };
  const subject = instance.request === undefined ? instance.uid : `${instance.uid}:${instance.request}`;
  const key = effectKey(pass.run.id, pass.run.apply.currentStage, step, host, subject, attempt);
  const outcome = outcomes.get(key);
  if (outcome?.kind === 'refused') return failed(outcome.reason);
  if (outcome?.kind === 'blocked' && (outcome.retryAt ?? 0) > now)
    return {
      kind: 'blocked',
      reason: outcome.reason,
      obstacle: 'DrainBlocked',
      until: outcome.retryAt ?? now,
    };
  begin(pass, instance, action);
  if (outcome?.kind === 'accepted' || outcome?.kind === 'already')
    return { kind: 'wait', reason: `${words.instance(instance)} was asked to leave` };
  const { uid, namespace, name } = instance;
  return {
    kind: 'act',
    effects: [{ kind: 'evict', key, host, instance: { uid, namespace, name }, by: action }],
    reason: `${words.instance(instance)} is asked to leave ${host} by ${action}`,
  };
}

/** What the owner of an instance has chosen; undefined where it was not asked about it. */
function actionFor(pass: Pass, { uid }: InstanceFacts): MoveAction | undefined {
  const { session } = sessionOf(pass);
  return session.projects.map(({ answer }) => answer?.actions[uid]).find((action) => action !== undefined);
}

function begin(pass: Pass, instance: InstanceFacts, action: MoveAction): void {
  const { session } = sessionOf(pass);
  if (session.moves.some((move) => move.instance === instance.uid)) return;
  const move: Move = { instance: instance.uid, project: projectOf(instance), action, done: false };
  pass.run.session = { ...session, moves: [...session.moves, move] };
}
