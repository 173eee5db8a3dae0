/** The port to the hosts over a world in memory, for tests and `careen simulate`. It has no delays and no faults. */
import { ownerText, type OwnerRef } from '../../crds/owner-ref.ts';
import type { Effect, Outcome } from '../../engine/effect.ts';
import { mayArrive } from '../../engine/run/prior-state.ts';
import {
  signalsFrom,
  type Claim,
  type EffectFacts,
  type InstanceFacts,
  type MemberHealth,
  type View,
} from '../../engine/view.ts';
import type { HostName, HostSeed, PlatformFacts } from '../../planner/hosts/facts.ts';
import { rolesOf } from '../label-selector.ts';
import { takesClosed } from '../claims.ts';
import { changeableAmong } from '../config-maps.ts';
import { hostFactsOf, standingOf } from '../host-state.ts';
import { membershipOf } from '../membership.ts';
import { NODE_WORDS } from '../node-words.ts';
import type {
  Adoption,
  Fence,
  HostOps,
  HostWatch,
  IdleJob,
  MarkedHost,
  Scope,
  Subscription,
} from '../port.ts';
import { factsOf } from './simulated-facts.ts';
import { hostState } from './simulated-host-state.ts';
import { SimulatedFleets } from './simulated-fleets.ts';
import { atWorkFor, jobFacts } from './simulated-jobs.ts';
import type { SimulatedHost, SimulatedJob, SimulatedPod } from './simulated-objects.ts';
import type { SimulatedWorld } from './simulated-world.ts';

const PAGE = 50;
const BUDGET_RETRY_MILLISECONDS = 5_000;
const ACCEPTED: Outcome = { kind: 'accepted' };
const ALREADY: Outcome = { kind: 'already' };
const STALE: Outcome = { kind: 'stale' };

export class SimulatedHostOps implements HostOps {
  readonly #world: SimulatedWorld;
  readonly #fleets: SimulatedFleets;
  readonly #watches = new Set<{ hosts: ReadonlySet<HostName> }>();

  constructor(world: SimulatedWorld) {
    this.#world = world;
    this.#fleets = new SimulatedFleets(world);
  }

  async *inventory(scope: Scope, signal: AbortSignal): AsyncIterable<readonly HostSeed[]> {
    const hosts = this.#hostsOf(scope);
    for (let i = 0; i < hosts.length; i += PAGE) {
      signal.throwIfAborted();
      yield hosts.slice(i, i + PAGE).map((host) => seedOf(host, scope));
    }
  }

  watch(_scope: Scope, changed: (hosts: ReadonlySet<HostName>) => void): HostWatch {
    const watch = { hosts: new Set<HostName>() as ReadonlySet<HostName> };
    const end = this.#world.listen((host) => {
      if (watch.hosts.has(host)) changed(new Set([host]));
    });
    this.#watches.add(watch);
    return {
      want: (hosts) => {
        const unseen = [...hosts].filter((host) => !watch.hosts.has(host) && this.#world.hosts.has(host));
        watch.hosts = new Set(hosts);
        if (unseen.length > 0) changed(new Set(unseen));
      },
      close: () => {
        end();
        this.#watches.delete(watch);
      },
    };
  }

  fleet(_scope: Scope, changed: () => void): Subscription {
    return { close: this.#world.listen(changed) };
  }

  /** The world has no backups. */
  listAgain(): void {}

  view(scope: Scope): View {
    const world = this.#world;
    const fleet = this.#fleets.of(scope);
    const isWatched = (host: HostName): boolean => [...this.#watches].some(({ hosts }) => hosts.has(host));
    const factsFor = (job: SimulatedJob | undefined, owner: OwnerRef): EffectFacts | undefined =>
      job?.ownerUid === owner.uid && isWatched(job.host) ? jobFacts(job) : undefined;
    return {
      host: (name) => {
        const host = world.hosts.get(name);
        const instances = isWatched(name) ? world.podsOn(name).map(instanceOf) : undefined;
        return host && hostFactsOf(hostState(host), scope, instances);
      },
      effect: (key, owner) => factsFor(world.jobs.get(key), owner),
      job: (uid, owner) => factsFor(world.jobOf(uid), owner),
      jobsOn: (host, owner) => atWorkFor(owner, world.jobsOn(host)),
      signal: signalsFrom({ alarms: () => ({ observedAt: world.now, alarms: fleet.alarms }) }),
      words: NODE_WORDS,
      seeds: () => this.#hostsOf(scope).map((host) => seedOf(host, scope)),
      fleet: fleet.facts,
    };
  }

  async confirm(_scope: Scope, _hosts: readonly HostName[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
  }

  async prepare(_namespace: string, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted();
    return undefined;
  }

  async changeableConfigMaps(
    namespace: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> {
    signal.throwIfAborted();
    return changeableAmong(names, async (name) => this.#world.configMaps.get(`${namespace}/${name}`), signal);
  }

  async platform(): Promise<PlatformFacts> {
    return this.#world.platform;
  }

  async memberHealth(
    _scope: Scope,
    controllers: readonly HostName[],
    signal: AbortSignal,
  ): Promise<MemberHealth> {
    signal.throwIfAborted();
    const { membersDown, membersUnknown } = this.#world;
    const down = [...membersDown].filter(([host]) => controllers.includes(host));
    return { down: new Map(down), unknown: membersUnknown };
  }

  markedHosts(scope: Scope): readonly MarkedHost[] {
    return this.#fleets.of(scope).markedHosts.map((marked) => {
      const jobs = this.#world.jobsOn(marked.host);
      const { claim } = marked;
      return {
        ...marked,
        busy: claim !== undefined && atWorkFor(claim.owner, jobs).length > 0,
        begun: claim !== undefined && jobs.some((job) => hasBegun(job, claim)),
      };
    });
  }

  async readMarkedHosts(scope: Scope, signal: AbortSignal): Promise<readonly MarkedHost[]> {
    signal.throwIfAborted();
    return this.markedHosts(scope);
  }

  idleJobs(owner: OwnerRef): readonly IdleJob[] {
    return [...this.#world.jobs.values()]
      .filter(({ ownerUid }) => ownerUid === owner.uid)
      .flatMap(({ run, host, name, uid, revision, state }) =>
        state === 'suspended' || state === 'succeeded'
          ? [{ state, run, host, name, uid, revision: String(revision) }]
          : [],
      );
  }

  async adopt(
    _scope: Scope,
    adoptions: ReadonlyMap<HostName, Adoption>,
    { owner, run, epoch }: Fence,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    for (const [name, { claim, uid, makeIfMissing }] of adoptions) {
      const host = this.#world.hosts.get(name);
      if (uid !== undefined && host?.uid !== uid) continue;
      if (host?.claim?.run === run) this.#world.changeHost(name, { claim: { ...host.claim, epoch } });
      else if (host && !host.claim && makeIfMissing && mayArrive(host, claim)) this.#take(host, claim);
    }
    for (const job of this.#world.jobs.values())
      if (
        job.run === run &&
        job.ownerUid === owner.uid &&
        (job.state === 'suspended' || job.state === 'running')
      )
        this.#world.stampJob(job, epoch);
  }

  async perform(_scope: Scope, effect: Effect, fence: Fence, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    const host = this.#world.hosts.get(effect.host);
    switch (effect.kind) {
      case 'claim':
        return host ? this.#claim(host, effect) : STALE;
      case 'recordon':
        return host ? this.#recordon(host, effect) : STALE;
      case 'release':
        return host ? this.#release(host, effect) : STALE;
      case 'leave-locked':
        return host ? this.#leaveLocked(host, effect, fence) : STALE;
      case 'evict':
        return this.#evict(effect);
      case 'call-off':
        return this.#world.callOff(effect.instance.uid) ? ACCEPTED : ALREADY;
      case 'create-job':
        return this.#createJob(effect, fence);
      case 'start-job':
        return this.#startJob(effect);
      case 'mend-job':
        return this.#mendJob(effect);
      case 'withdraw-job':
        return this.#withdrawJob(effect);
      case 'delete-job':
        return this.#deleteJob(effect);
    }
  }

  #claim(host: SimulatedHost, effect: Effect & { kind: 'claim' }): Outcome {
    const { name, claim, revision, spoiltClaim } = host;
    const own = claim?.run === effect.claim.run ? claim : undefined;
    if (own && !takesClosed(own, effect.claim)) return ALREADY;
    if (claim && !own) {
      return {
        kind: 'blocked',
        reason: `${name} is held by ${ownerText(claim.owner)}`,
      };
    }
    if (effect.revision !== String(revision) || spoiltClaim !== undefined) return STALE;
    this.#take(host, effect.claim);
    return ACCEPTED;
  }

  #take({ name, closedToNewWork }: SimulatedHost, claim: Claim): void {
    const closing = claim.level !== 'touched' ? { closedToNewWork: true, hasMaintenanceMark: true } : {};
    this.#world.changeHost(name, {
      claim,
      ...(closedToNewWork ? {} : { leftLocked: undefined }),
      ...closing,
    });
  }

  #recordon(
    { name, claim, revision, closedToNewWork }: SimulatedHost,
    effect: Effect & { kind: 'recordon' },
  ): Outcome {
    if (claim?.run !== effect.run || effect.revision !== String(revision)) return STALE;
    if (closedToNewWork) return ALREADY;
    this.#world.changeHost(name, {
      closedToNewWork: true,
      hasMaintenanceMark: true,
      claim: { ...claim, closedToNewWorkBefore: false },
    });
    return ACCEPTED;
  }

  #release(host: SimulatedHost, effect: Effect & { kind: 'release' }): Outcome {
    const { name, claim, revision, hasMaintenanceMark, spoiltClaim } = host;
    const lost =
      !claim &&
      (hasMaintenanceMark || spoiltClaim !== undefined) &&
      effect.closedToNewWorkBefore !== undefined;
    const openedNote = !claim && !lost && host.leftLocked !== undefined && !host.closedToNewWork;
    if (lost || openedNote ? false : claim?.run !== effect.run) return ALREADY;
    if (effect.revision !== String(revision)) return STALE;
    const closedToNewWorkBefore = claim
      ? claim.level === 'touched' ||
        (effect.closedToNewWorkBefore ?? (claim.closedToNewWorkBefore || !hasMaintenanceMark))
      : effect.closedToNewWorkBefore === true || !hasMaintenanceMark;
    const opening = closedToNewWorkBefore ? {} : { closedToNewWork: false };
    const note = closedToNewWorkBefore && host.closedToNewWork ? {} : { leftLocked: undefined };
    const unclaimed = { claim: undefined, spoiltClaim: undefined, hasMaintenanceMark: false };
    this.#world.changeHost(name, { ...unclaimed, ...opening, ...note });
    return ACCEPTED;
  }

  #leaveLocked(host: SimulatedHost, effect: Effect & { kind: 'leave-locked' }, { owner }: Fence): Outcome {
    const { name, claim, hasMaintenanceMark, spoiltClaim, revision } = host;
    if (claim ? claim.run !== effect.run : !hasMaintenanceMark && spoiltClaim === undefined) return ALREADY;
    if (effect.revision !== String(revision)) return STALE;
    const unclaimed = { claim: undefined, spoiltClaim: undefined, hasMaintenanceMark: false };
    this.#world.changeHost(name, { ...unclaimed, leftLocked: effect.reason, leftLockedBy: owner.uid });
    return ACCEPTED;
  }

  #evict({ instance }: Effect & { kind: 'evict' }): Outcome {
    const pod = this.#world.pods.get(instance.uid);
    if (!pod || pod.leaving) return ALREADY;
    if (this.#world.evict(pod) === 'leaving') return ACCEPTED;
    const retryAt = this.#world.now + BUDGET_RETRY_MILLISECONDS;
    return {
      kind: 'blocked',
      retryAt,
      reason: `budget ${pod.budget ?? ''} does not allow to evict ${pod.namespace}/${pod.name}`,
    };
  }

  #createJob({ key, host, action, job }: Effect & { kind: 'create-job' }, fence: Fence): Outcome {
    const { run, epoch, owner } = fence;
    const existing = this.#world.jobs.get(key);
    if (existing?.ownerUid === owner.uid) return ALREADY;
    if (existing)
      return {
        kind: 'refused',
        reason: `Job ${existing.name} exists, which ${ownerText(owner)} did not make`,
      };
    const container = job.template.spec.containers[0]?.name ?? '';
    this.#world.addJob({ key, run, epoch, ownerUid: owner.uid, host, action, container });
    return ACCEPTED;
  }

  #mendJob({ uid }: Effect & { kind: 'mend-job' }): Outcome {
    const job = this.#world.jobOf(uid);
    if (!job) return ALREADY;
    if (job.altered !== undefined) this.#world.changeJob(job.key, { altered: undefined });
    return ACCEPTED;
  }

  #deleteJob({ uid, revision }: Effect & { kind: 'delete-job' }): Outcome {
    const job = this.#world.jobOf(uid);
    if (!job) return ALREADY;
    if (revision !== String(job.revision)) return STALE;
    this.#world.removeJob(job);
    return ACCEPTED;
  }

  #withdrawJob({ uid, revision }: Effect & { kind: 'withdraw-job' }): Outcome {
    const job = this.#world.jobOf(uid);
    if (job?.state !== 'running' || revision !== String(job.revision)) return STALE;
    this.#world.withdrawJob(job);
    return ACCEPTED;
  }

  #startJob({ uid, revision }: Effect & { kind: 'start-job' }): Outcome {
    const job = this.#world.jobOf(uid);
    if (!job) return STALE;
    if (job.state !== 'suspended') return ALREADY;
    if (revision !== String(job.revision)) return STALE;
    this.#world.startJob(job);
    return ACCEPTED;
  }

  #hostsOf(scope: Scope): SimulatedHost[] {
    return [...this.#world.hosts.values()].filter((host) => membershipOf(host, scope) === 'member');
  }
}

function seedOf(host: SimulatedHost, { roles }: Scope): HostSeed {
  const { name, labels } = host;
  return { name, roles: rolesOf(labels, roles), facts: factsOf(host), ...standingOf(host) };
}

function instanceOf({
  budget: _budget,
  host: _host,
  heldBy: _held,
  movingTo: _target,
  move: _move,
  unmanaged,
  ...pod
}: SimulatedPod): InstanceFacts {
  return { ...pod, controller: unmanaged ? undefined : `ReplicaSet ${pod.name}` };
}

function hasBegun({ run, ownerUid, state }: SimulatedJob, claim: Claim): boolean {
  return ownerUid === claim.owner.uid && run === claim.run && state !== 'suspended';
}
