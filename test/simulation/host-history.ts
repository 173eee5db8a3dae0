/** What a simulated host was like, from when on: so that it can be told whether something was ever so. */
import { at, type Change } from './world/api-server.ts';
import { isReady } from './world/cluster.ts';
import { isJson, type ApiObject } from './world/objects.ts';
import { claimOf, type Claim } from './seen.ts';

export type HostState = {
  readonly exists: boolean;
  readonly claim: Claim | undefined;
  readonly closed: boolean;
  /** Somebody else has closed it, and nobody else has opened it since. */
  readonly closedByOthers: boolean;
  /**
   * Somebody else had closed it before it was claimed, and nobody of the operator has seen it open since. Who opens and
   * closes it again between two looks leaves it as the claim had found it: nothing tells the operator, so it may stay closed.
   */
  readonly looksAsBefore: boolean;
  /** A strategy that went has left it closed, and says why. */
  readonly leftLocked: boolean;
  readonly ready: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly bootId: string;
  readonly nodeInfo: Readonly<Record<string, unknown>>;
  /** How many pods would have to leave for it to be empty. */
  readonly pods: number;
};

const NOTHING: HostState = {
  ...{
    exists: false,
    claim: undefined,
    closed: false,
    closedByOthers: false,
    looksAsBefore: false,
    leftLocked: false,
    ready: false,
    labels: {},
    bootId: '',
    nodeInfo: {},
    pods: 0,
  },
};

export class HostHistory {
  readonly #states: { readonly since: number; readonly state: HostState }[] = [];

  get now(): HostState {
    return this.#states.at(-1)?.state ?? NOTHING;
  }

  node(time: number, { type, object }: Change, isOurs: boolean): void {
    if (type === 'DELETED') return this.#add(time, { ...NOTHING, pods: this.now.pods });
    const closed = object.spec?.['unschedulable'] === true;
    // Who cordons a host that we have closed, and somebody has opened, lets us go on with it: it is ours again.
    const isClosedAgain = closed && this.now.claim?.level === 'away';
    const isTheirs =
      isOurs || closed === this.now.closed ? this.now.closedByOthers : closed && !isClosedAgain;
    const facts = factsOf(object);
    const wasFound =
      facts.claim && !this.now.claim
        ? this.now.closed && (this.now.closedByOthers || this.now.looksAsBefore)
        : this.now.looksAsBefore;
    this.#add(time, {
      ...{ ...this.now, ...facts, exists: true, closed, closedByOthers: isTheirs },
      looksAsBefore: wasFound && (closed || facts.claim !== undefined),
    });
  }

  /** The operator has written down that somebody opened it. */
  seenOpen(time: number): void {
    this.#add(time, { ...this.now, looksAsBefore: false });
  }

  pods(time: number, pods: number): void {
    this.#add(time, { ...this.now, pods });
  }

  /** Whether it was so at some moment since then. */
  wasSince(time: number, holds: (state: HostState) => boolean): boolean {
    return this.#states.some(
      ({ state }, i) => (this.#states[i + 1]?.since ?? Infinity) >= time && holds(state),
    );
  }

  /** Since when it is so without a break; Infinity while it is not. */
  holdsSince(holds: (state: HostState) => boolean): number {
    let since = Infinity;
    for (const entry of this.#states.toReversed()) {
      if (!holds(entry.state)) break;
      since = entry.since;
    }
    return since;
  }

  #add(since: number, state: HostState): void {
    this.#states.push({ since, state });
  }
}

function factsOf(
  node: ApiObject,
): Pick<HostState, 'claim' | 'leftLocked' | 'ready' | 'labels' | 'bootId' | 'nodeInfo'> {
  const nodeInfo = at(node.status, 'nodeInfo');
  return {
    claim: claimOf(node),
    leftLocked: node.metadata.annotations?.['careen.dev/left-locked'] !== undefined,
    ready: isReady(node),
    labels: node.metadata.labels ?? {},
    bootId: String(at(nodeInfo, 'bootID')),
    nodeInfo: isJson(nodeInfo) ? nodeInfo : {},
  };
}
