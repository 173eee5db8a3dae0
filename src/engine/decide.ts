/**
 * One decision about a run and its permits. The operator and `careen simulate` share it. Pure: the caller settles
 * permits, stores the run and performs effects.
 */
import type { HostPoolStatus } from '../crds/host-pool.ts';
import type { HostName } from '../planner/hosts/facts.ts';
import type { Plan } from '../planner/plan.ts';
import { advance } from './advance.ts';
import type { Evaluate } from './evaluate.ts';
import type { EngineProfile } from './pass.ts';
import {
  heldBy,
  heldByOthers,
  membersToAsk,
  settlePermits,
  type DesiredPermits,
  type PoolCapacity,
  type Settlement,
} from './permits/permits.ts';
import { wantsOf } from './permits/stage-permits.ts';
import { runningStage, type RunState } from './run/run-state.ts';
import type { Decision, PermitFacts, Turn, Wants } from './turn.ts';
import type { MemberHealth } from './view.ts';

export type DecideInput = {
  readonly plan: Plan;
  readonly run: RunState;
  readonly turn: Omit<Turn, 'permits'>;
  /** The pool as it was read. Undefined while it does not exist: the run then holds no permit and asks for none. */
  readonly pool: { readonly status: HostPoolStatus; readonly capacity: PoolCapacity } | undefined;
  /** The differences between this engine and the native one; by default those that the plan asks for. */
  readonly profile?: EngineProfile;
  /** Judges the progress of a step in place of the engine. */
  readonly evaluate?: Evaluate;
};

export type Decided = {
  readonly decision: Decision;
  /** The permits to keep, where the run holds more. Settle them after the decision is stored, never before. */
  readonly surplus?: DesiredPermits;
};

/** The pool would grant these permits. Settle them there, then call `decideWithPermits`; store nothing before. */
export type NeedsPermits = { readonly grant: DesiredPermits };

/**
 * The pool would grant the permits that the run lacks, if enough of these controllers say that they serve. Ask them, then
 * call `decideKnowing`; store nothing before.
 */
export type NeedsMembers = { readonly ask: readonly HostName[] };

/** Decides the next run and effects and the permits to free afterwards, or what to obtain first. */
export function decide(input: DecideInput): Decided | NeedsPermits | NeedsMembers {
  const draft = draftOf(input);
  const ask = draft.decision.lacks ? membersFor(input, draft.decision.lacks) : [];
  return ask.length > 0 ? { ask } : conclude(input, draft);
}

/** Decides with what the controllers said that `decide` wanted to be asked. */
export function decideKnowing(input: DecideInput, members: MemberHealth): Decided | NeedsPermits {
  const { pool } = input;
  const known = pool ? { ...input, pool: { ...pool, capacity: { ...pool.capacity, members } } } : input;
  return conclude(known, draftOf(known));
}

/** A decision, with the permits that it rests on. */
type DecisionDraft = { readonly decision: Decision; readonly permits: PermitFacts };

/** The refusal is computed before the decision: a stage that times out reports it as its reason. */
function draftOf(input: DecideInput): DecisionDraft {
  const held = heldBy(input.pool?.status.permits ?? [], input.run.id);
  const refusal = preview(input, wantsOfStage(input.run))?.facts.refusal;
  const permits = { held, ...(refusal === undefined ? {} : { refusal }) };
  return { decision: advanceWith(input, permits), permits };
}

function conclude(input: DecideInput, { decision, permits }: DecisionDraft): Decided | NeedsPermits {
  const wants = decision.wants.permits;
  const settlement = preview(input, wants);
  if (!settlement) return { decision };
  if (settlement.changed) return { grant: { ...holderOf(input), wants, exactly: false } };
  const { refusal } = settlement.facts;
  // The decision already knew this refusal: it need not be made again.
  return refusal === undefined || refusal === permits.refusal
    ? withSurplus(input, decision, permits)
    : decideWithPermits(input, { held: permits.held, refusal });
}

function membersFor(input: DecideInput, wants: Wants['permits']): readonly HostName[] {
  const { pool } = input;
  return pool && preview(input, wants)?.changed
    ? membersToAsk(pool.status, { ...holderOf(input), wants }, pool.capacity)
    : [];
}

/** What the pool, as it was read, would do about these wants; undefined without one. */
function preview(input: DecideInput, wants: Wants['permits']): Settlement | undefined {
  const { pool } = input;
  return pool && settlePermits(pool.status, { ...holderOf(input), wants, exactly: false }, pool.capacity, '');
}

/** Decides the next run and effects with the permits that the run has now, and the permits to free afterwards. */
export function decideWithPermits(input: DecideInput, permits: PermitFacts): Decided {
  return withSurplus(input, advanceWith(input, permits), permits);
}

function advanceWith(input: DecideInput, permits: PermitFacts): Decision {
  const { plan, run, turn, pool, profile, evaluate } = input;
  const others = heldByOthers(pool?.status ?? {}, run.id);
  return advance(plan, run, { ...turn, permits: { ...permits, others } }, profile, evaluate);
}

/** The permits that the open stage asks for until it has them. */
function wantsOfStage({ apply, hosts: open }: RunState): Wants['permits'] {
  const stage = runningStage(apply);
  const wanted = stage ? wantsOf(stage) : ({ hosts: [], level: 'away' } as const);
  return { ...wanted, hosts: [...new Set([...open.map(({ name }) => name), ...wanted.hosts])] };
}

function withSurplus(input: DecideInput, decision: Decision, { held }: PermitFacts): Decided {
  const { permits } = decision.wants;
  if ([...held.keys()].every((host) => permits.hosts.includes(host))) return { decision };
  // Only the held permits that are still wanted: this asks for no new one.
  const wants = { ...permits, hosts: permits.hosts.filter((host) => held.has(host)) };
  return { decision, surplus: { ...holderOf(input), wants, exactly: true } };
}

function holderOf({
  plan: { controllers = [] },
  run: { id, skipped },
  turn: { owner },
}: DecideInput): Omit<DesiredPermits, 'wants' | 'exactly'> {
  const knownControllers = controllers.filter((host) => skipped.every(({ name }) => name !== host));
  return { run: id, owner, knownControllers };
}
