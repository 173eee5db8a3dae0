/**
 * The workflow `kubernetes` (fenix.md §11): hosts are nodes, closing is a cordon, moving is an eviction, and the tenant is a
 * namespace. It is that of `vnf`, but a pod without a constraint is evicted without a question.
 */
import { emptyingSeconds } from './constraints/emptying-seconds.ts';
import { hostByHost } from './host-by-host.ts';
import { constrainedStage } from './rounds.ts';
import type { Workflow } from './workflow.ts';

const GO_ROUND = hostByHost((standing, state, host) =>
  constrainedStage(standing, state, host, emptyingSeconds(standing, host)),
);

export const kubernetesWorkflow: Workflow = (standing) =>
  standing.constraints
    ? GO_ROUND(standing)
    : { kind: 'wait', reason: 'waiting to know the constraints of the pods' };
