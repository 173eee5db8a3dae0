import type { Reason } from '../crds/conditions.ts';
import type { Abort, Request } from '../crds/request.ts';
import type { OwnerRef } from '../crds/owner-ref.ts';
import type { ExecutionMode, OutageLevel } from '../crds/vocabulary.ts';
import type { HostName } from '../planner/facts.ts';
import type { Effect, Outcome } from './effect.ts';
import type { RunState } from './run-state.ts';
import type { EffectKey, Instant, View } from './view.ts';

/** A request that can be read; an abort comes by an annotation of its own. */
export type RunRequest = Request | (Abort & { readonly verb: 'abort' });

export type Answer = {
  readonly id: string;
  /** Undefined when that could not be read. */
  readonly verb?: string;
  readonly answer: 'accepted' | 'refused';
  readonly message: string;
};

/** Why nothing further may begin, whoever asks for it: the pool is paused, the plan no longer fits. */
export type HeldBack = { readonly reason: Reason; readonly message: string };

/** What is wanted now: the standing order of the spec, and what stands against it. */
export type Order = {
  readonly mode: ExecutionMode;
  readonly throughStage?: number | undefined;
  readonly heldBack?: HeldBack | undefined;
  /** The strategy is being deleted: it is aborted, and what cannot be given back is left locked, with a note. */
  readonly finalizing?: boolean | undefined;
};

export type PermitFacts = {
  /** The hosts that this run has permits for. */
  readonly held: ReadonlySet<HostName>;
  /** Why the last wish was not granted. */
  readonly refusal?: string;
};

/** All that one decision rests on, beside the plan and the run. */
export type Turn = {
  readonly owner: OwnerRef;
  readonly order: Order;
  /** Requests that were not answered yet, in the order of their precedence. */
  readonly requests: readonly RunRequest[];
  readonly pool: string;
  /** Of the leader who decides. */
  readonly epoch: number;
  readonly view: View;
  readonly permits: PermitFacts;
  readonly outcomes: ReadonlyMap<EffectKey, Outcome>;
  readonly now: Instant;
  /** The first turn of a process that has just read the run back. */
  readonly restarted?: boolean;
};

/** What the run needs from now on; whatever it held beyond that is to be given up. */
export type Wants = {
  /** Exactly the permits that the run should have: granted all or none, freed one by one. */
  readonly permits: { readonly hosts: readonly HostName[]; readonly level: OutageLevel };
  /** Hosts to look at closely: open outages and the next candidates. */
  readonly watch: ReadonlySet<HostName>;
};

export type Decision = {
  /** To be stored before any effect is performed; the very same object when nothing changed. */
  readonly run: RunState;
  readonly effects: readonly Effect[];
  readonly wants: Wants;
  /** When to decide again even if nothing happens. */
  readonly wakeAt?: Instant;
  /** What is waited for, one sentence a host or step. */
  readonly reasons: readonly string[];
  /** How a person opens a host that is kept locked. */
  readonly openRemedy: string;
  /** To be stored with the run: a request that was answered is not answered again. */
  readonly answers: readonly Answer[];
};
