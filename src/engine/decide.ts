/**
 * One decision about a run together with its permits: as the operator makes it,
 * and `careen simulate`. Pure: the caller settles permits, stores and performs.
 */
import type { HostPoolStatus } from '../crds/host-pool.ts';
import type { Plan } from '../planner/plan.ts';
import { advance } from './advance.ts';
import type { Evaluate } from './evaluate.ts';
import type { EngineProfile } from './pass.ts';
import { heldBy, settlePermits, type DesiredPermits, type PoolCapacity, type Settlement } from './permits.ts';
import { runningStage, type RunState } from './run-state.ts';
import type { Decision, PermitFacts, Turn, Wants } from './turn.ts';

export type DecideInput = {
  readonly plan: Plan;
  readonly run: RunState;
  readonly turn: Omit<Turn, 'permits'>;
  /** The pool as it was read; undefined while it does not exist: then no permit is held, and none is asked for. */
  readonly pool: { readonly status: HostPoolStatus; readonly capacity: PoolCapacity } | undefined;
  /** The permits after `grant` of the decision before was settled in the pool. */
  readonly settled?: PermitFacts;
  /** In what the engine differs from the native one. */
  readonly profile?: EngineProfile;
  /** Judges how far a step is, where that is not the engine's own judgement. */
  readonly evaluate?: Evaluate;
};

export type Decided = {
  readonly decision: Decision;
  /** The pool would grant this: settle it there, then decide again with what came of it; store nothing before. */
  readonly grant?: DesiredPermits;
  /** Held and no longer wanted: settle it in the pool once the decision is stored, never before. */
  readonly surplus?: DesiredPermits;
};

/** Decides what comes next, and which permits come before it and go after it. */
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
  // Known before it is asked: a stage that runs out of time says what it has waited for.
  const known = factsOf(preview(wantsOfStage(run)));
  const decision = decideWith(known);
  const wants = decision.wants.permits;
  const answer = preview(wants);
  if (answer.status !== pool.status)
    return { decision, grant: { ...holderOf(input), wants, exactly: false } };
  const refused = factsOf(answer);
  // What was asked and answered at once needs no second thought.
  return refused.refusal === undefined || refused.refusal === known.refusal
    ? withSurplus(input, decision, known)
    : withSurplus(input, decideWith(refused), refused);
}

/** The permits that the open stage asks for until it has them. */
function wantsOfStage({ apply, hosts: open }: RunState): Wants['permits'] {
  const { hosts = [], level = 'away' } = runningStage(apply) ?? {};
  return { hosts: [...new Set([...open.map(({ name }) => name), ...hosts])], level };
}

function withSurplus(input: DecideInput, decision: Decision, { held }: PermitFacts): Decided {
  const { permits } = decision.wants;
  if ([...held].every((host) => permits.hosts.includes(host))) return { decision };
  // Exactly what is held and still wanted: nothing is asked for here.
  const wants = { ...permits, hosts: permits.hosts.filter((host) => held.has(host)) };
  return { decision, surplus: { ...holderOf(input), wants, exactly: true } };
}

function holderOf({ run, turn: { owner } }: DecideInput): Pick<DesiredPermits, 'run' | 'owner'> {
  return { run: run.id, owner };
}
