import { createHash } from 'node:crypto';
import type { Alarm, FleetFacts, HostAlarm } from '../../engine/view.ts';
import type { HostName } from '../../planner/facts.ts';
import { alarmsOf, outOfServiceTaints } from '../health.ts';
import { claimedAway, membershipOf } from '../membership.ts';
import { rolesOf } from '../label-selector.ts';
import type { MarkedHost, Scope } from '../port.ts';
import type { NodeState } from './node-facts.ts';

type MarkedNode = Omit<MarkedHost, 'busy' | 'begun'>;

/**
 * The sums over the hosts of one pool, updated with each change. The cost of
 * a change does not depend on the number of hosts.
 */
export class Fleet {
  readonly scope: Scope;
  readonly #outOfService = new Set<HostName>();
  readonly #keptByOthers = new Set<HostName>();
  readonly #alarms = new Map<HostName, readonly HostAlarm[]>();
  readonly #marked = new Map<HostName, MarkedNode>();
  #total = 0;
  #revision = 0n;

  constructor(scope: Scope, nodes: Iterable<NodeState>) {
    this.scope = scope;
    for (const node of nodes) this.#add(node);
  }

  /** Applies the change of one node. Returns whether the listeners must learn of it. */
  change(before: NodeState | undefined, after: NodeState | undefined): boolean {
    const old = this.#fingerprint(before);
    if (before) this.#remove(before);
    if (after) this.#add(after);
    return old !== this.#fingerprint(after);
  }

  get facts(): FleetFacts {
    return {
      total: this.#total,
      outOfServiceByOthers: new Set(this.#outOfService),
      claimedAway: claimedAway(this.markedHosts),
      keptByOtherPools: new Set(this.#keptByOthers),
      revision: this.#revision.toString(16),
    };
  }

  get alarms(): readonly Alarm[] {
    return [...this.#alarms].flatMap(([host, alarms]) => alarms.map((alarm) => ({ host, ...alarm })));
  }

  /** The hosts that carry a mark of Careen. */
  get markedHosts(): readonly MarkedNode[] {
    return [...this.#marked.values()];
  }

  #add(node: NodeState): void {
    const membership = membershipOf(node, this.scope);
    if (membership === 'kept-by-other') this.#keptByOthers.add(node.name);
    if (membership !== 'member') return;
    this.#total += 1;
    this.#revision ^= this.#planHash(node);
    if (this.#isOutOfServiceByOthers(node)) this.#outOfService.add(node.name);
    const alarms = this.#alarmsOf(node);
    if (alarms.length > 0) this.#alarms.set(node.name, alarms);
    if (node.claim || node.spoiltClaim !== undefined || node.leftLocked)
      this.#marked.set(node.name, markedHost(node));
  }

  #remove(node: NodeState): void {
    this.#keptByOthers.delete(node.name);
    if (membershipOf(node, this.scope) !== 'member') return;
    this.#total -= 1;
    this.#revision ^= this.#planHash(node);
    this.#outOfService.delete(node.name);
    this.#alarms.delete(node.name);
    this.#marked.delete(node.name);
  }

  #fingerprint(node: NodeState | undefined): string {
    const membership = node ? membershipOf(node, this.scope) : 'not-selected';
    if (!node || membership !== 'member') return membership;
    const { claim, spoiltClaim, leftLocked } = node;
    const counted = this.#isOutOfServiceByOthers(node);
    const marks = [claim?.run, spoiltClaim, leftLocked];
    return JSON.stringify([String(this.#planHash(node)), counted, marks, this.#alarmsOf(node)]);
  }

  #isOutOfServiceByOthers({ claim, closedToNewWork, ready, taints }: NodeState): boolean {
    if (claim) return false;
    return closedToNewWork || !ready || outOfServiceTaints(taints, this.scope.health).length > 0;
  }

  #alarmsOf(node: NodeState): readonly HostAlarm[] {
    return node.claim || !node.wasReady ? [] : alarmsOf(node, this.scope.health);
  }

  /** The digest of one host, as far as plans depend on it. XOR combines the digests, so their order has no effect. */
  #planHash({ name, uid, labels, facts }: NodeState): bigint {
    const sorted = Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1));
    const text = JSON.stringify([name, uid, rolesOf(labels, this.scope.roles), sorted]);
    return BigInt(`0x${createHash('sha256').update(text).digest('hex').slice(0, 16)}`);
  }
}

function markedHost({
  name: host,
  revision,
  claim,
  spoiltClaim,
  closedToNewWork,
  leftLocked,
}: NodeState): MarkedNode {
  return { host, revision, claim, spoiltClaim, closedToNewWork, leftLocked };
}
