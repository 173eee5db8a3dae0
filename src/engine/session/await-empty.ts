import type { RunJudge } from '../pass.ts';
import { DONE, failed } from '../steps/verdict.ts';
import { instancesOn, isLeftOut } from './occupancy.ts';

/**
 * Waits until nothing runs on the hosts of the stage, which take no new work. Nothing is moved without its project. Before
 * such a host is taken out of service, it waits only for what is leaving.
 */
export const awaitEmpty: RunJudge = (pass, { stage, step }) => {
  const { view } = pass.turn;
  for (const host of stage.hosts ?? []) {
    if (isLeftOut(pass, host)) continue;
    const instances = instancesOn(view, host);
    if (!instances) return { kind: 'blocked', reason: `waiting to see what runs on ${host}` };
    if (instances.length === 0) continue;
    const reason = `${view.words.instances(instances.length)} still on ${host}`;
    const isStaying = instances.some(({ leaving }) => !leaving);
    return step.id === 0 && isStaying ? failed(reason) : { kind: 'blocked', reason };
  }
  return DONE;
};
