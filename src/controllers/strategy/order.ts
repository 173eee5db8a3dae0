import type { Reason } from '../../crds/conditions.ts';
import type { PatchStrategySpec } from '../../crds/patch-strategy-spec.ts';
import type { HeldBack, Order } from '../../engine/turn.ts';
import { specDigest } from '../../planner/digest.ts';
import { policyViolations } from '../../planner/action-policy.ts';
import type { PassContext } from './pass-context.ts';
import { pinnedElsewhere } from '../../status/pinned-plan.ts';
import { closedBecause, limitIn } from '../../engine/pool-facts.ts';
import { limitBelowStage } from '../../status/rebuild.ts';
import { actionsOf, runOf } from '../../status/codec.ts';

/** The standing order of the spec, and what stands against it now. */
export function orderOf(context: PassContext): Order {
  const { execution } = context.strategy.spec;
  const against = execution.mode === 'Abort' ? undefined : heldBackBecause(context);
  return { ...execution, ...(against === undefined ? {} : { heldBack: against }) };
}

/** The order while the pool is missing: what is open is ended, nothing further begins. */
export function orderWithoutPool({ execution, poolRef }: PatchStrategySpec): Order {
  return { ...execution, heldBack: { reason: 'PoolNotFound', message: poolMissing(poolRef) } };
}

/** What is to be done about a pool that there is not. */
export function poolMissing(name: string): string {
  return `HostPool ${name} does not exist: create it, or set spec.poolRef to one that does`;
}

/** What of a plan the pool does not permit, one sentence each. */
export function violationsOf({ strategy, pool, deps }: PassContext): readonly string[] {
  if (!pool) return [];
  const { status, spec, metadata } = strategy;
  const actions = runOf(status) && status.run ? actionsOf(status.run) : spec;
  const { allowedNamespaces, actionPolicy } = pool.spec;
  const policy = { name: pool.metadata.name, allowedNamespaces, actionPolicy };
  return policyViolations(actions, metadata.namespace, policy, deps.operatorNamespace);
}

/** Why no further stage may begin, whoever asks for it: the open one ends as it was planned, and then it waits. */
function heldBackBecause(context: PassContext): HeldBack | undefined {
  const { strategy, pool, attachment } = context;
  const { status, spec } = strategy;
  const run = runOf(status);
  if (!run || !status.run || !pool) return undefined;
  const { fleet } = attachment.view();
  if (status.run.specDigest !== specDigest(spec))
    return { reason: 'Building', message: 'the spec was edited, what is left is planned anew' };
  if (limitBelowStage(run, limitIn(pool, fleet)))
    return {
      reason: 'Building',
      message: 'a stage is larger than the pool allows now, what is left is planned anew',
    };
  const [violation] = violationsOf(context);
  const pinned = pinnedElsewhere(spec.execution.plan, status.run);
  return (
    heldBack('NotPermitted', violation) ?? heldBack('AwaitingApproval', pinned) ?? closedBecause(pool, fleet)
  );
}

function heldBack(reason: Reason, message: string | undefined): HeldBack | undefined {
  return message === undefined ? undefined : { reason, message };
}
