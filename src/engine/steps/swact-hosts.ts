import type { RunJudge } from '../pass.ts';
import { DONE } from './verdict.ts';

/**
 * Moves the lead away from the hosts of the step: the leading replica gives up its Lease when it runs on one of them. When
 * it leads again afterwards, no other replica was there to lead, and its host is worked on all the same.
 */
export const swact: RunJudge = (pass, { stage, step }) => {
  const { leader } = pass.turn;
  const hosts = step.hosts ?? stage.hosts ?? [];
  const startedAt = Date.parse(step.startTime ?? '');
  if (!leader || !hosts.includes(leader.host) || leader.since > startedAt) return DONE;
  pass.handsOver = true;
  return { kind: 'blocked', reason: `the leading replica runs on ${leader.host}: another one takes over` };
};
