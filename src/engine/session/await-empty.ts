import type { RunJudge } from '../pass.ts';
import { DONE } from '../steps/verdict.ts';
import { instancesOn } from './occupancy.ts';

/** Waits until nothing runs on the hosts of the stage, which take no new work. Nothing is moved without its project. */
export const awaitEmpty: RunJudge = ({ turn: { view } }, { stage }) => {
  for (const host of stage.hosts ?? []) {
    const instances = instancesOn(view, host);
    if (!instances) return { kind: 'blocked', reason: `waiting to see what runs on ${host}` };
    if (instances.length > 0)
      return { kind: 'blocked', reason: `${view.words.instances(instances.length)} still on ${host}` };
  }
  return DONE;
};
