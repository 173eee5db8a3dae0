/**
 * One decision about a run and its permits. The operator and `careen simulate` share it. Pure: the caller settles
 * permits, stores the run and performs effects.
 */
import type { HostPoolStatus } from '../crds/host-pool.ts';
import type { Plan } from '../planner/plan.ts';
import { advance } from './advance.ts';
import type { Evaluate } from './evaluate.ts';
import { remainingHosts } from './leavers.ts';
import type { EngineProfile } from './pass.ts';
import {
  heldBy,
  settlePermits,
  type DesiredPermits,
  type PoolCapacity,
  type Settlement,
} from './permits/permits.ts';
import { runningStage, type RunState } from './run-state.ts';
import type { Decision, PermitFacts, Turn, Wants } from './turn.ts';

export type DecideInput = {
  readonly plan: Plan;
  readonly run: RunState;
  readonly turn: Omit<Turn, 'permits'>;
  /** The pool as it was read. Undefined while it does not exist: the run then holds no permit and asks for none. */
  readonly pool: { readonly status: HostPoolStatus; readonly capacity: PoolCapacity } | undefined;
  /** The permits after the caller settled `grant` of the previous decision in the pool. */
  readonly settled?: PermitFacts;
  /** The differences between this engine and the native one. */
  readonly profile?: EngineProfile;
  /** Judges the progress of a step in place of the engine. */
  readonly evaluate?: Evaluate;
};

export type Decided = {
  readonly decision: Decision;
  /** Permits that the pool would grant. Settle them there, then decide again with the result; store nothing before. */
  readonly grant?: DesiredPermits;
  /** The permits to keep, where the run holds more. Settle them after the decision is stored, never before. */
  readonly surplus?: DesiredPermits;
};

/** Decides the next run and effects, the permits to obtain first, and the permits to free afterwards. */
export function decide(input: DecideInput): Decided {
  const { plan, run, turn, pool, settled, profile, evaluate } = input;
  const decideWith = (permits: PermitFacts): Decision =>
    advance(plan, run, { ...turn, permits }, profile, evaluate);
  if (settled) return withSurplus(input, decideWith(settled), settled);

  const held = heldBy(pool?.status.permits ?? [], run.id);
  if (!pool) return { decision: decideWith({ held }) };
  const preview = (wants: Wants['permits']): Settlement =>
    settlePermits(pool.status, { ...holderOf(input), wants, exactly: false }, pool.capacity, '');
  const factsOf = ({ facts: { refusal } }: Settlement): PermitFacts => ({
    held,
    ...(refusal === undefined ? {} : { refusal }),
  });
  // The refusal is computed before the decision: a stage that times out reports it as its reason.
  const known = factsOf(preview(wantsOfStage(run)));
  const decision = decideWith(known);
  const wants = decision.wants.permits;
  const answer = preview(wants);
  if (answer.status !== pool.status)
    return { decision, grant: { ...holderOf(input), wants, exactly: false } };
  const refused = factsOf(answer);
  // The decision already knew this answer: it need not be made again.
  return refused.refusal === undefined || refused.refusal === known.refusal
    ? withSurplus(input, decision, known)
    : withSurplus(input, decideWith(refused), refused);
}

/** The permits that the open stage asks for until it has them. */
function wantsOfStage({ apply, hosts: open }: RunState): Wants['permits'] {
  const stage = runningStage(apply);
  const hosts = stage ? remainingHosts(stage) : [];
  return { hosts: [...new Set([...open.map(({ name }) => name), ...hosts])], level: stage?.level ?? 'away' };
}

function withSurplus(input: DecideInput, decision: Decision, { held }: PermitFacts): Decided {
  const { permits } = decision.wants;
  if ([...held].every((host) => permits.hosts.includes(host))) return { decision };
  // Only the held permits that are still wanted: this asks for no new one.
  const wants = { ...permits, hosts: permits.hosts.filter((host) => held.has(host)) };
  return { decision, surplus: { ...holderOf(input), wants, exactly: true } };
}

function holderOf({ run, turn: { owner } }: DecideInput): Pick<DesiredPermits, 'run' | 'owner'> {
  return { run: run.id, owner };
}
