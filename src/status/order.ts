/** The standing order of a strategy, and the reasons that hold it back. */
import type { HostPoolSpec } from '../crds/host-pool.ts';
import { counted } from '../crds/text/counted.ts';
import type { StrategySpec } from '../crds/spec/strategy-spec.ts';
import { closedBecause, limitIn, specUnreadable } from '../engine/permits/pool-capacity.ts';
import type { HeldBack, Order } from '../engine/turn.ts';
import type { FleetFacts } from '../engine/view.ts';
import type { ConfigMaps } from '../planner/policy/action-policy.ts';
import { specDigest } from '../planner/digest.ts';
import { policyViolations, type Judged } from '../planner/policy/pool-policy.ts';
import type { StoredRun } from './stored/codec.ts';
import { heldByPin, pinnedElsewhere } from './stored/pinned-plan.ts';
import { limitBelowStage, stageAbove } from './stored/rebuild.ts';

/** A strategy with its run and its pool, and the facts about the hosts of the pool. */
export type OrderInput = {
  readonly strategy: {
    readonly metadata: { readonly namespace: string };
    readonly spec: StrategySpec;
  };
  readonly stored: StoredRun | undefined;
  readonly pool: { readonly metadata: { readonly name: string }; readonly spec: HostPoolSpec };
  readonly fleet: FleetFacts;
  /** No strategy may run its Jobs there. */
  readonly operatorNamespace: string;
  /** Undefined where the pool does not ask about them. */
  readonly configMaps?: ConfigMaps | undefined;
};

/** The pool of a strategy: the one in the spec, or during a run the one that granted its permits. */
export function poolOf({ poolRef }: StrategySpec, stored: StoredRun | undefined): string {
  if (!stored) return poolRef;
  const { record, run } = stored;
  const busy = run.hosts.length > 0 || run.state === 'applying' || run.state === 'aborting';
  return busy ? record.pool : poolRef;
}

/** The standing order of the spec, with the reason that holds it back now. */
export function orderOf(input: OrderInput): Order {
  const { execution } = input.strategy.spec;
  const against = execution.mode === 'Abort' ? undefined : heldBackBecause(input);
  return { ...execution, ...(against === undefined ? {} : { heldBack: against }) };
}

/** Why nothing begins while the pool is missing, or its spec cannot be read. */
export function poolProblem(
  name: string,
  pool: { readonly unreadable?: string | undefined } | undefined,
): HeldBack {
  if (pool?.unreadable !== undefined) return specUnreadable(name, pool.unreadable);
  const message = `HostPool ${name} does not exist: create it, or set spec.poolRef to one that does`;
  return { reason: 'PoolNotFound', message };
}

/** The parts of a spec, or of the actions of a run, that the pool does not permit, one sentence each. */
export function violationsOf(
  judged: Judged,
  { strategy: { metadata }, pool, operatorNamespace, configMaps }: Omit<OrderInput, 'fleet' | 'stored'>,
): readonly string[] {
  const policy = { ...pool.spec, name: pool.metadata.name, configMaps };
  return policyViolations(judged, metadata.namespace, policy, operatorNamespace);
}

/** What becomes of the rest of a run whose plan no longer fits. */
function plannedAgain({ execution: { mode, plan } }: StrategySpec): string {
  const then =
    mode === 'Run' && plan === undefined
      ? 'carried out at once, since execution.mode is Run'
      : 'wait for approval';
  return `the remaining stages are planned again and then ${then}`;
}

/** Why a plan of the VIM does not go on: it is carried out as it is, or not at all. */
export function heldByLimit(
  { run, plan }: Pick<StoredRun, 'run' | 'plan'>,
  pool: string,
  limit: number,
): HeldBack | undefined {
  const above = plan.actions.profile && stageAbove(run, limit);
  if (!above) return undefined;
  const which = above.stage === undefined ? 'a later stage' : `stage ${String(above.stage)}`;
  const message =
    `${which} takes ${counted(above.hosts, 'host')} out of service together, HostPool ${pool} allows ${String(limit)} ` +
    '(spec.maxUnavailable), and a plan of the VIM is never cut: raise the limit, lower maxParallelWorkerHosts, or use ' +
    'serial';
  return { reason: 'LimitBelowStage', message };
}

/** Why no further stage may begin, whoever requests it. The open stage ends as planned; then the run waits. */
function heldBackBecause(input: OrderInput): HeldBack | undefined {
  const {
    strategy: { spec },
    stored,
    pool,
    fleet,
  } = input;
  if (!stored) return undefined;
  const { record, run, plan } = stored;
  // An edit does not stop a session: it keeps the terms that its projects agreed to until it ends.
  if (run.session && run.state !== 'ready-to-apply')
    return notPermitted(plan.actions, input) ?? closedBecause(pool, fleet);
  if (record.specDigest !== specDigest(spec))
    return { reason: 'Building', message: `the spec was edited, ${plannedAgain(spec)}` };
  const limit = limitIn(pool, fleet);
  const above = heldByLimit(stored, pool.metadata.name, limit);
  if (above) return above;
  if (limitBelowStage(run, limit))
    return {
      reason: 'Building',
      message: `a stage is larger than the pool allows now, ${plannedAgain(spec)}`,
    };
  const pinned = pinnedElsewhere(spec.execution.plan, record);
  const violation = notPermitted(plan.actions, input);
  if (violation) return violation;
  return pinned === undefined ? closedBecause(pool, fleet) : heldByPin(pinned);
}

function notPermitted(judged: Judged, input: OrderInput): HeldBack | undefined {
  const [message] = violationsOf(judged, input);
  return message === undefined ? undefined : { reason: 'NotPermitted', message };
}
