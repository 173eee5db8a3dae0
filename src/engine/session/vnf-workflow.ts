/**
 * The workflow `vnf` (fenix.md §10): every instance has a constraint of its owner before the session begins. It is asked about
 * by itself and moved as far at once with others as its group can spare.
 */
import { constraintOf } from './constraints/constraints.ts';
import { emptyingSeconds } from './constraints/emptying-seconds.ts';
import { hostByHost, type Emptying } from './host-by-host.ts';
import { constrainedStage } from './rounds.ts';
import type { NextRound, Standing, Workflow } from './workflow.ts';

const NAMED = 5;

export const vnfWorkflow: Workflow = (standing) => againstStart(standing) ?? GO_ROUND(standing);

const emptying: Emptying = (standing, state, host) =>
  constrainedStage(standing, state, host, emptyingSeconds(standing, host));

const GO_ROUND = hostByHost(emptying);

/** Why the session does not begin, before anything is touched. */
function againstStart({ session, hosts, constraints }: Standing): NextRound | undefined {
  if (!constraints) return { kind: 'wait', reason: 'waiting to know the constraints of the instances' };
  if (session.state !== 'MAINTENANCE') return undefined;
  const without = hosts.flatMap(({ instances }) =>
    instances.flatMap(({ uid, namespace, name }) => {
      const found = constraintOf(constraints, uid);
      return typeof found === 'string' ? [`${namespace}/${name} (${uid}) ${found}`] : [];
    }),
  );
  if (without.length === 0) return undefined;
  const more = without.length > NAMED ? [`and ${String(without.length - NAMED)} more`] : [];
  return {
    kind: 'failed',
    reason: `workflow vnf needs constraints of all instances: ${[...without.slice(0, NAMED), ...more].join('; ')}`,
  };
}
