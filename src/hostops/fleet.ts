import { createHash } from 'node:crypto';
import type { Alarm, FleetFacts, HostAlarm } from '../engine/view.ts';
import type { HostName } from '../planner/hosts/facts.ts';
import { alarmsOf, outOfServiceTaints } from './health.ts';
import type { HostState } from './host-state.ts';
import { claimedAway, closedByRuns, membershipOf } from './membership.ts';
import { rolesOf } from './label-selector.ts';
import type { MarkedHost, Scope } from './port.ts';

type MarkedState = Omit<MarkedHost, 'busy' | 'begun'>;

/**
 * The sums over the hosts of one pool, updated with each change. The cost of
 * a change does not depend on the number of hosts.
 */
export class Fleet {
  readonly scope: Scope;
  readonly #outOfService = new Set<HostName>();
  readonly #controllers = new Set<HostName>();
  readonly #controllersDown = new Set<HostName>();
  readonly #keptByOthers = new Set<HostName>();
  readonly #alarms = new Map<HostName, readonly HostAlarm[]>();
  readonly #marked = new Map<HostName, MarkedState>();
  #total = 0;
  #revision = 0n;

  constructor(scope: Scope, hosts: Iterable<HostState>) {
    this.scope = scope;
    for (const host of hosts) this.#add(host);
  }

  /** Applies the change of one host. Returns whether the listeners must learn of it. */
  change(before: HostState | undefined, after: HostState | undefined): boolean {
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
      closedByRuns: closedByRuns(this.markedHosts),
      controllers: { all: new Set(this.#controllers), down: new Set(this.#controllersDown) },
      keptByOtherPools: new Set(this.#keptByOthers),
      revision: this.#revision.toString(16),
    };
  }

  get alarms(): readonly Alarm[] {
    return [...this.#alarms].flatMap(([host, alarms]) => alarms.map((alarm) => ({ host, ...alarm })));
  }

  /** The hosts that carry a mark of Careen. */
  get markedHosts(): readonly MarkedState[] {
    return [...this.#marked.values()];
  }

  #add(host: HostState): void {
    const membership = membershipOf(host, this.scope);
    if (membership === 'kept-by-other') this.#keptByOthers.add(host.name);
    if (membership !== 'member') return;
    this.#total += 1;
    this.#revision ^= this.#planHash(host);
    if (this.#isOutOfServiceByOthers(host)) this.#outOfService.add(host.name);
    if (this.#isController(host)) this.#controllers.add(host.name);
    if (this.#isControllerDown(host)) this.#controllersDown.add(host.name);
    const alarms = this.#alarmsOf(host);
    if (alarms.length > 0) this.#alarms.set(host.name, alarms);
    if (host.claim || host.spoiltClaim !== undefined || host.leftLocked)
      this.#marked.set(host.name, markedHost(host));
  }

  #remove(host: HostState): void {
    this.#keptByOthers.delete(host.name);
    if (membershipOf(host, this.scope) !== 'member') return;
    this.#total -= 1;
    this.#revision ^= this.#planHash(host);
    this.#outOfService.delete(host.name);
    this.#controllers.delete(host.name);
    this.#controllersDown.delete(host.name);
    this.#alarms.delete(host.name);
    this.#marked.delete(host.name);
  }

  #fingerprint(host: HostState | undefined): string {
    const membership = host ? membershipOf(host, this.scope) : 'not-selected';
    if (!host || membership !== 'member') return membership;
    const { claim, spoiltClaim, leftLocked } = host;
    const counted = this.#isOutOfServiceByOthers(host);
    const marks = [claim?.run, claim?.level, spoiltClaim, leftLocked];
    const down = this.#isControllerDown(host);
    return JSON.stringify([String(this.#planHash(host)), counted, down, marks, this.#alarmsOf(host)]);
  }

  #isOutOfServiceByOthers(host: HostState): boolean {
    return !host.claim && this.#isOutOfService(host);
  }

  #isControllerDown(host: HostState): boolean {
    return this.#isController(host) && this.#isOutOfService(host);
  }

  #isController({ labels }: HostState): boolean {
    return rolesOf(labels, this.scope.roles).includes('controller');
  }

  #isOutOfService({ closedToNewWork, ready, taints }: HostState): boolean {
    return closedToNewWork || !ready || outOfServiceTaints(taints, this.scope.health).length > 0;
  }

  #alarmsOf(host: HostState): readonly HostAlarm[] {
    return host.claim || !host.wasReady ? [] : alarmsOf(host, this.scope.health);
  }

  /** The digest of one host, as far as plans depend on it. XOR combines the digests, so their order has no effect. */
  #planHash({ name, uid, labels, facts }: HostState): bigint {
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
}: HostState): MarkedState {
  return { host, revision, claim, spoiltClaim, closedToNewWork, leftLocked };
}
