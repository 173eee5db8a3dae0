/** The states of a simulated host over time: it answers whether a condition ever held. */
import { at, type Change } from './world/api-server.ts';
import { isReady, taintsOf } from './world/cluster.ts';
import { isJson, type ApiObject } from './world/objects.ts';
import { claimOf, type Claim } from './seen.ts';

export type HostState = {
  readonly exists: boolean;
  /** That of its node: a host that is made again under its name has another one. */
  readonly uid: string;
  readonly claim: Claim | undefined;
  readonly closed: boolean;
  /** Somebody else cordoned it, and nobody else has uncordoned it since. */
  readonly closedByOthers: boolean;
  /**
   * Somebody else had cordoned it before the claim, and no process of the operator has seen it uncordoned since, or others
   * have removed the record of that. When a person uncordons and cordons it between two reads, it looks as the claim found
   * it. The operator cannot see that, so it may stay cordoned.
   */
  readonly looksAsBefore: boolean;
  /** Whether the operator has recorded since its claim that somebody uncordoned it. */
  readonly wasSeenOpen: boolean;
  /**
   * Somebody uncordoned it and removed our claim, and somebody cordoned it, before a process of the operator could see it
   * open. Only our mark is left, which says that the cordon is ours: the operator cannot know better, and may uncordon it.
   */
  readonly looksOurs: boolean;
  /** A deleted strategy has left it cordoned, and the annotation says why. */
  readonly leftLocked: boolean;
  readonly ready: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly bootId: string;
  readonly nodeInfo: Readonly<Record<string, unknown>>;
  /** How many pods have to leave before it is empty. */
  readonly pods: number;
  /** Whether a pod that has just left is about to start there again. */
  readonly isReturning: boolean;
  /** The taints of others, and the reported problems with their times: one that comes back is another one. */
  readonly troubles: readonly string[];
  /** Those that it had when it was claimed. */
  readonly troublesBefore: readonly string[];
  /** The run whose claim somebody removed. */
  readonly lostClaimOf: string | undefined;
};

/** A host that does not exist. */
export const NOTHING: HostState = {
  ...{
    exists: false,
    uid: '',
    claim: undefined,
    closed: false,
    closedByOthers: false,
    looksAsBefore: false,
    wasSeenOpen: false,
    looksOurs: false,
    leftLocked: false,
    ready: false,
    labels: {},
    bootId: '',
    nodeInfo: {},
    pods: 0,
    isReturning: false,
    troubles: [],
    troublesBefore: [],
    lostClaimOf: undefined,
  },
};

/** The operator may not know for so long what others have done to a host: closed it, or moved it to another pool. */
export const UNSEEN_MS = 150_000;
/** A write that was decided before may be in flight for so long, and a view may be as old. */
export const IN_FLIGHT_MS = 180_000;
/** The same while watches, requests and processes work: the time from a read to the write that follows. */
export const SEEN_MS = 10_000;

/** The levels of claims under which a host takes no new work. */
const CLOSING: ReadonlySet<string> = new Set(['away', 'closed']);
const OUR_TAINT = 'careen.dev/maintenance';
/** The condition that is True on a healthy host. */
const READY = 'Ready';

export class HostHistory {
  /** Whether it was deleted, and perhaps made again under its name. */
  wasDeleted = false;
  readonly #states: { readonly since: number; readonly state: HostState }[] = [];

  /** When it joined first; Infinity while it has not. */
  get joinedAt(): number {
    return this.#states.find(({ state }) => state.exists)?.since ?? Infinity;
  }

  get now(): HostState {
    return this.#states.at(-1)?.state ?? NOTHING;
  }

  node(time: number, { type, object }: Change, isOurs: boolean): void {
    if (type === 'DELETED') {
      this.wasDeleted = true;
      return this.#add(time, { ...NOTHING, pods: this.now.pods });
    }
    const closed = object.spec?.['unschedulable'] === true;
    // Somebody uncordoned a host of ours, and somebody cordons it again: the run continues, and the cordon is ours.
    const isClosedAgain = closed && CLOSING.has(this.now.claim?.level ?? '');
    const isTheirs =
      isOurs || closed === this.now.closed ? this.now.closedByOthers : closed && !isClosedAgain;
    const facts = factsOf(object);
    // Somebody removed our claim, and another run cannot know that the cordon was ours.
    const isForgotten = this.now.lostClaimOf !== undefined && this.now.lostClaimOf !== facts.claim?.run;
    const wasFound =
      facts.claim && !this.now.claim
        ? this.now.closed && (this.now.closedByOthers || this.now.looksAsBefore || isForgotten)
        : this.now.looksAsBefore;
    this.#add(time, {
      ...{
        ...this.now,
        ...facts,
        exists: true,
        uid: object.metadata.uid,
        closed,
        closedByOthers: closed && isTheirs,
      },
      looksAsBefore: wasFound && (closed || facts.claim !== undefined),
      wasSeenOpen: this.now.wasSeenOpen && !(facts.claim && !this.now.claim),
      looksOurs: closed && (this.now.looksOurs || (!isOurs && this.#isUnseenOpen(time))),
      lostClaimOf: isOurs || facts.claim ? undefined : (this.now.claim?.run ?? this.now.lostClaimOf),
      troublesBefore: facts.claim && !this.now.claim ? this.now.troubles : this.now.troublesBefore,
    });
  }

  /** The operator has recorded that somebody uncordoned it. */
  seenOpen(time: number): void {
    this.#add(time, { ...this.now, looksAsBefore: false, looksOurs: false, wasSeenOpen: true });
  }

  /**
   * Others removed the record of the run, and with it what the operator had recorded of the host: only the claim is left.
   * Where the claim still says that somebody else had cordoned the host, the operator cannot know better.
   */
  recordLost(time: number, run: string): void {
    const { claim } = this.now;
    if (claim?.run === run && claim.closedBefore) this.#add(time, { ...this.now, looksAsBefore: true });
  }

  pods(time: number, pods: number, isReturning: boolean): void {
    this.#add(time, { ...this.now, pods, isReturning });
  }

  /** Whether the condition held at some moment since then. */
  wasSince(time: number, holds: (state: HostState) => boolean): boolean {
    return this.#states.some(
      ({ state }, i) => (this.#states[i + 1]?.since ?? Infinity) >= time && holds(state),
    );
  }

  /** Since when the condition holds without a break; Infinity while it does not hold. */
  holdsSince(holds: (state: HostState) => boolean): number {
    let since = Infinity;
    for (const entry of this.#states.toReversed()) {
      if (!holds(entry.state)) break;
      since = entry.since;
    }
    return since;
  }

  /** Nobody may lead for so long, so fresh watches do not help. */
  #isUnseenOpen(time: number): boolean {
    const { wasSeenOpen } = this.now;
    const since = this.holdsSince(({ closed, lostClaimOf }) => !closed && lostClaimOf !== undefined);
    return !wasSeenOpen && since !== Infinity && time - since < UNSEEN_MS;
  }

  #add(since: number, state: HostState): void {
    this.#states.push({ since, state });
  }
}

function factsOf(
  node: ApiObject,
): Pick<HostState, 'claim' | 'leftLocked' | 'ready' | 'labels' | 'bootId' | 'nodeInfo' | 'troubles'> {
  const nodeInfo = at(node.status, 'nodeInfo');
  return {
    claim: claimOf(node),
    leftLocked: node.metadata.annotations?.['careen.dev/left-locked'] !== undefined,
    ready: isReady(node),
    labels: node.metadata.labels ?? {},
    bootId: String(at(nodeInfo, 'bootID')),
    nodeInfo: isJson(nodeInfo) ? nodeInfo : {},
    troubles: [...foreignTaints(node), ...problemsOf(node)],
  };
}

/** Kubernetes itself sets and removes the taints that follow from the state of a node. */
function foreignTaints(node: ApiObject): string[] {
  const keys = taintsOf(node).map((taint) => String(at(taint, 'key')));
  return keys.filter((key) => key !== OUR_TAINT && !key.startsWith('node.kubernetes.io/'));
}

function problemsOf({ status }: ApiObject): string[] {
  const conditions = status?.['conditions'];
  return (Array.isArray(conditions) ? conditions : [])
    .filter((each) => at(each, 'status') === 'True' && at(each, 'type') !== READY)
    .map((each) => `${String(at(each, 'type'))} since ${String(at(each, 'lastTransitionTime'))}`);
}

/** Whether no pod has to leave, and none is about to return. */
export function isEmpty({ pods, isReturning }: HostState): boolean {
  return pods === 0 && !isReturning;
}

/** Whether the host has no taint and no problem that it did not have when it was claimed. */
export function isAsWellAsBefore({ troubles, troublesBefore }: HostState): boolean {
  return troubles.every((each) => troublesBefore.includes(each));
}
