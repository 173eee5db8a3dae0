/** Moves the instances of a host as their projects have answered, one after another (fenix.md §6). */
import type { MoveAction } from '../../crds/vocabulary.ts';
import type { Pass, RunJudge } from '../pass.ts';
import { DONE, failed, type Verdict } from '../steps/verdict.ts';
import type { InstanceFacts } from '../view.ts';
import { awaitMove, begin, recordEnds, requestMove, type Leave } from './moves.ts';
import { instancesOn, isLeftOut, projectOf } from './occupancy.ts';
import { sessionOf } from './session-of.ts';

export const moveInstances: RunJudge = (pass, { stage, step }) => {
  const host = stage.hosts?.[0] ?? '';
  const { view } = pass.turn;
  const instances = isLeftOut(pass, host) ? [] : instancesOn(view, host);
  if (!instances) return { kind: 'blocked', reason: `waiting to see what runs on ${host}` };
  recordEnds(pass);
  if (instances.length === 0) return DONE;
  return moveNext(pass, { host, step: step.name, attempt: stage.attempt ?? 1 }, instances);
};

/** Asks the next instance to leave; while one is on its way, no other is asked. */
function moveNext(pass: Pass, leave: Leave, instances: readonly InstanceFacts[]): Verdict {
  const { words } = pass.turn.view;
  const moving = instances.find(({ leaving }) => leaving);
  if (moving?.leaving) {
    // It may have been asked before the session failed.
    const asked = actionFor(pass, moving);
    if (asked !== undefined) begin(pass, leave, moving, asked);
    return awaitMove(pass, moving, moving.leaving);
  }
  const wanted = instances.map((instance) => ({ instance, action: actionFor(pass, instance) }));
  const unknown = wanted.find(({ action }) => action === undefined);
  if (unknown)
    return failed(
      `${words.instance(unknown.instance)} is on ${leave.host}, and project ${projectOf(unknown.instance)} was not asked how to move it`,
    );
  const next = wanted.flatMap(({ instance, action }) =>
    action === undefined || action === 'OWN_ACTION' ? [] : [{ instance, action }],
  )[0];
  if (next) return requestMove(pass, leave, next.instance, next.action);
  return {
    kind: 'blocked',
    reason: `${leave.host} waits for its owners to replace ${words.instances(wanted.length)}`,
  };
}

/** What the owner of an instance has chosen; undefined where it was not asked about it. */
function actionFor(pass: Pass, { uid }: InstanceFacts): MoveAction | undefined {
  const { session } = sessionOf(pass);
  return session.projects.map(({ answer }) => answer?.actions[uid]).find((action) => action !== undefined);
}
