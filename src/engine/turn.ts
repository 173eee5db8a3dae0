import type { Reason } from '../crds/observed/conditions.ts';
import type { Abort, Request } from '../crds/observed/request.ts';
import type { OwnerRef } from '../crds/owner-ref.ts';
import type { ExecutionMode, OutageLevel } from '../crds/vocabulary.ts';
import type { HostName } from '../planner/hosts/facts.ts';
import type { Effect, Outcome } from './effect.ts';
import type { RunState } from './run/run-state.ts';
import type { Constraints } from './session/constraints/constraints.ts';
import type { Elsewhere } from './session/constraints/elsewhere.ts';
import type { DownloadFacts, ProjectReply, ReplyExtension, ReplyVerdict } from './session/session-state.ts';
import type { Plan } from '../planner/plan.ts';
import type { EffectKey, Instant, View } from './view.ts';

/** A valid request; an abort has its own annotation. */
export type RunRequest = Request | (Abort & { readonly verb: 'abort' });

export type Answer = {
  readonly id: string;
  /** Undefined when the request is invalid. */
  readonly verb?: string;
  readonly answer: 'accepted' | 'refused';
  readonly message: string;
};

/** Why no further stage may begin, for any request or order: the pool is paused, or the plan no longer fits. */
export type HeldBack = { readonly reason: Reason; readonly message: string };

/**
 * What the open or next stage waits for besides time and its own work, the first that a person should see to first. The
 * order is that in which several are reported.
 */
export const OBSTACLES = [
  'HostUncordoned',
  'WaitingForPermits',
  'HostClaimed',
  'DrainBlocked',
  'JobNotStarted',
  'WaitingForPerson',
  'HostUnwell',
  'HostsLackRelease',
] as const satisfies readonly Reason[];
export type Obstacle = (typeof OBSTACLES)[number];

/** The standing order of the spec, and the reason that holds it back. */
export type Order = {
  readonly mode: ExecutionMode;
  readonly throughStage?: number | undefined;
  readonly heldBack?: HeldBack | undefined;
  /** The strategy is being deleted: it is aborted. A host that cannot be released is left locked, with a note. */
  readonly finalizing?: boolean | undefined;
};

/** The bounds of the pool on a run. */
export type RunLimits = {
  /** How long a host may be out of service in `Suspend`; undefined without a bound. */
  readonly maxOutageSeconds?: number | undefined;
  /** When the run was read. The adoption of the run has judged `Suspend` by the same time. */
  readonly readAt: Instant;
  /** The namespaces whose instances without a controller stay, whatever the plan consents to. */
  readonly protectedNamespaces: readonly string[];
  /** By how much a project may put off its answer to one question; absent: not at all. */
  readonly extendSeconds?: number | undefined;
};

export type HeldPermits = ReadonlyMap<HostName, OutageLevel>;

/** Whether a permit of this level, if there is one, allows an outage of the other. One to touch a host is none to take it. */
export function allows(permit: OutageLevel | undefined, outage: OutageLevel): boolean {
  return permit === 'away' || permit === outage;
}

export type PermitFacts = {
  /** The hosts that this run has permits for, with the levels of these. */
  readonly held: HeldPermits;
  /** Why the pool refused the last request for permits. */
  readonly refusal?: string;
  /** The hosts for which other runs hold permits, with the words for these runs. */
  readonly others?: ReadonlyMap<HostName, string>;
};

/** All inputs of one decision besides the plan and the run. */
export type Turn = {
  readonly owner: OwnerRef;
  readonly order: Order;
  /** Undefined without a pool. */
  readonly limits?: RunLimits | undefined;
  /** Requests without an answer, in the order of their precedence. */
  readonly requests: readonly RunRequest[];
  readonly pool: string;
  /** The epoch of the leader that decides. */
  readonly epoch: number;
  readonly view: View;
  readonly permits: PermitFacts;
  readonly outcomes: ReadonlyMap<EffectKey, Outcome>;
  readonly now: Instant;
  /** The answers of projects since the last turn. */
  readonly replies?: readonly ProjectReply[];
  /** What projects ask for that need more time. */
  readonly extensions?: readonly ReplyExtension[];
  /** The projects that can be reached; undefined where that is not known. */
  readonly listeners?: Pick<ReadonlySet<string>, 'has'>;
  /**
   * What the owners of the instances on the hosts of a session demand of moves. Only workflows that look at constraints have
   * them; undefined also while they are not known.
   */
  readonly constraints?: Constraints;
  /** What other sessions affect of the groups in these constraints. */
  readonly elsewhere?: Elsewhere;
  /** What is known of the downloads of a session, by name. */
  readonly downloads?: ReadonlyMap<string, DownloadFacts>;
  /** The host of the process that decides, and since when it leads; undefined where it runs on no host of the pool. */
  readonly leader?: { readonly host: HostName; readonly since: Instant } | undefined;
  /** True in the first turn of a process, just after it has read the stored run. */
  readonly restarted?: boolean;
};

/** The needs of the run from now on; it frees everything else that it holds. */
export type Wants = {
  /** All permits that the run should have: granted all or none, freed one by one. */
  readonly permits: {
    readonly hosts: readonly HostName[];
    readonly level: OutageLevel;
    /** The work stops nothing on its hosts, so it is not judged against the quorum of the controllers. */
    readonly stopsNothing?: boolean;
  };
  /** Hosts to observe in detail: those in an open outage, and those of the next stage. */
  readonly watch: ReadonlySet<HostName>;
};

export type Decision = {
  /** The caller stores it before it performs any effect. The same object as before when nothing changed. */
  readonly run: RunState;
  readonly effects: readonly Effect[];
  readonly wants: Wants;
  /** The permits without which the outages of the open stage do not begin, whether or not their time is over. */
  readonly lacks?: Wants['permits'] | undefined;
  /** Whether this process gives the lead up, once the decision is stored. */
  readonly handsOver?: true;
  /** When to decide again without an event. */
  readonly wakeAt?: Instant;
  /** Why the run waits, one sentence for each host or step. */
  readonly reasons: readonly string[];
  /** What the open stage waits for, where that is neither time nor its own work. */
  readonly obstacle?: Obstacle | undefined;
  /** How a person opens a host that is kept locked. */
  readonly openRemedy: string;
  /** The caller stores them with the run, so that no request is answered twice. */
  readonly answers: readonly Answer[];
  /** What became of each answer of a project. */
  readonly replies: readonly ReplyVerdict[];
  /** The plan, with the stages that were appended: the same object as before without any. */
  readonly plan: Plan;
};
