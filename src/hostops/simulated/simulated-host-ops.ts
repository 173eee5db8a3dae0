/** The port to the hosts over a world in memory, for tests and `careen simulate`. It has no delays and no faults. */
import { ownerText, type OwnerRef } from '../../crds/owner-ref.ts';
import type { Effect, Outcome } from '../../engine/effect.ts';
import { mayArrive } from '../../engine/prior-state.ts';
import {
  signalsFrom,
  type Alarm,
  type Claim,
  type EffectFacts,
  type FleetFacts,
  type HostAlarm,
  type HostFacts,
  type InstanceFacts,
  type View,
} from '../../engine/view.ts';
import type { HostName, HostSeed } from '../../planner/facts.ts';
import { rolesOf } from '../label-selector.ts';
import { alarmsOf, outOfServiceTaints, taintsOf } from '../health.ts';
import { claimedAway, membershipOf } from '../membership.ts';
import { changeableAmong } from '../config-maps.ts';
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
import { jobFacts, jobsOf, runningByHost } from './simulated-jobs.ts';
import type { SimulatedHost, SimulatedJob, SimulatedPod, SimulatedWorld } from './simulated-world.ts';

const PAGE = 50;
const BUDGET_RETRY_MILLISECONDS = 5_000;
const ACCEPTED: Outcome = { kind: 'accepted' };
const ALREADY: Outcome = { kind: 'already' };
const STALE: Outcome = { kind: 'stale' };

export class SimulatedHostOps implements HostOps {
  readonly #world: SimulatedWorld;
  readonly #watches = new Set<{ hosts: ReadonlySet<HostName> }>();

  constructor(world: SimulatedWorld) {
    this.#world = world;
  }

  async *inventory(scope: Scope, signal: AbortSignal): AsyncIterable<readonly HostSeed[]> {
    const hosts = this.#hostsOf(scope);
    for (let i = 0; i < hosts.length; i += PAGE) {
      signal.throwIfAborted();
      yield hosts.slice(i, i + PAGE).map((host) => seedOf(host, scope));
    }
  }

  watch(changed: (hosts: ReadonlySet<HostName>) => void): HostWatch {
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
    const hosts = new Map(world.hosts);
    const jobs = new Map(world.jobs);
    const byUid = new Map([...jobs.values()].map((job) => [job.uid, job]));
    const running = runningByHost(jobs.values());
    const watched = new Set([...this.#watches].flatMap((each) => [...each.hosts]));
    const instances = new Map([...watched].map((host) => [host, world.podsOn(host).map(instanceOf)]));
    const members = this.#hostsOf(scope);
    const alarms = { observedAt: world.now, alarms: members.flatMap((host) => pendingAlarms(host, scope)) };
    const factsFor = (job: SimulatedJob | undefined, owner: OwnerRef): EffectFacts | undefined =>
      job?.ownerUid === owner.uid && watched.has(job.host) ? jobFacts(job) : undefined;
    return {
      host: (name) => {
        const host = hosts.get(name);
        return host && hostFactsOf(host, scope, instances.get(name));
      },
      effect: (key, owner) => factsFor(jobs.get(key), owner),
      job: (uid, owner) => factsFor(byUid.get(uid), owner),
      jobsOn: (host, owner) => jobsOf(owner, running.get(host)),
      signal: signalsFrom({ alarms: () => alarms }),
      words: NODE_WORDS,
      seeds: () => members.map((host) => seedOf(host, scope)),
      fleet: {
        ...fleetOf(members, scope, world.planRevision),
        claimedAway: claimedAway(this.markedHosts(scope)),
        keptByOtherPools: this.#keptByOthers(scope),
      },
    };
  }

  async confirm(_hosts: readonly HostName[], signal: AbortSignal): Promise<void> {
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

  markedHosts(scope: Scope): readonly MarkedHost[] {
    const running = runningByHost(this.#world.jobs.values());
    return this.#hostsOf(scope)
      .filter(({ claim, spoiltClaim, leftLocked }) => (claim ?? spoiltClaim ?? leftLocked) !== undefined)
      .map(({ name, revision, claim, spoiltClaim, closedToNewWork, leftLocked }) => ({
        ...{ host: name, revision: String(revision), claim, spoiltClaim, closedToNewWork },
        leftLocked: leftLocked !== undefined,
        busy: claim !== undefined && jobsOf(claim.owner, running.get(name)).length > 0,
        begun: claim !== undefined && this.#hasBegun(name, claim),
      }));
  }

  #hasBegun(host: HostName, { run, owner }: Claim): boolean {
    const jobs = [...this.#world.jobs.values()].filter(({ ownerUid }) => ownerUid === owner.uid);
    return jobs.some((job) => job.host === host && job.run === run && job.state !== 'suspended');
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

  async perform(effect: Effect, fence: Fence, signal: AbortSignal): Promise<Outcome> {
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
    if (claim?.run === effect.claim.run) return ALREADY;
    if (claim) {
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
    const closing = claim.level === 'away' ? { closedToNewWork: true, hasMaintenanceMark: true } : {};
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
    const job = [...this.#world.jobs.values()].find((each) => each.uid === uid);
    if (!job) return ALREADY;
    if (job.altered !== undefined) this.#world.changeJob(job.key, { altered: undefined });
    return ACCEPTED;
  }

  #deleteJob({ uid, revision }: Effect & { kind: 'delete-job' }): Outcome {
    const job = [...this.#world.jobs.values()].find((each) => each.uid === uid);
    if (!job) return ALREADY;
    if (revision !== String(job.revision)) return STALE;
    this.#world.removeJob(job);
    return ACCEPTED;
  }

  #withdrawJob({ uid, revision }: Effect & { kind: 'withdraw-job' }): Outcome {
    const job = [...this.#world.jobs.values()].find((each) => each.uid === uid);
    if (job?.state !== 'running' || revision !== String(job.revision)) return STALE;
    this.#world.withdrawJob(job);
    return ACCEPTED;
  }

  #startJob({ uid, revision }: Effect & { kind: 'start-job' }): Outcome {
    const job = [...this.#world.jobs.values()].find((each) => each.uid === uid);
    if (!job) return STALE;
    if (job.state !== 'suspended') return ALREADY;
    if (revision !== String(job.revision)) return STALE;
    this.#world.startJob(job);
    return ACCEPTED;
  }

  #keptByOthers(scope: Scope): ReadonlySet<HostName> {
    const kept = [...this.#world.hosts.values()].filter(
      (host) => membershipOf(host, scope) === 'kept-by-other',
    );
    return new Set(kept.map(({ name }) => name));
  }

  #hostsOf(scope: Scope): SimulatedHost[] {
    return [...this.#world.hosts.values()].filter((host) => membershipOf(host, scope) === 'member');
  }
}

function seedOf(host: SimulatedHost, { roles }: Scope): HostSeed {
  return { name: host.name, roles: rolesOf(host.labels, roles), facts: factsOf(host) };
}

function hostFactsOf(
  host: SimulatedHost,
  scope: Scope,
  instances: readonly InstanceFacts[] | undefined,
): HostFacts {
  const { name, uid, revision, closedToNewWork, ready, bootId, claim, spoiltClaim, hasMaintenanceMark } =
    host;
  const leftLockedBy = host.leftLocked === undefined ? undefined : host.leftLockedBy;
  return {
    name,
    uid,
    isMember: membershipOf(host, scope) === 'member',
    revision: String(revision),
    closedToNewWork,
    ready,
    alarms: alarmsOn(host, scope),
    foreignTaints: taintsOf(host.taints, scope.health),
    bootId,
    facts: factsOf(host),
    claim,
    spoiltClaim,
    hasMaintenanceMark,
    leftLockedBy,
    instances,
  };
}

function instanceOf({
  budget: _budget,
  host: _host,
  heldBy: _held,
  unmanaged,
  ...pod
}: SimulatedPod): InstanceFacts {
  return { ...pod, controller: unmanaged ? undefined : `ReplicaSet ${pod.name}` };
}

function alarmsOn({ ready, conditions }: SimulatedHost, { health }: Scope): HostAlarm[] {
  return alarmsOf({ notReady: ready ? undefined : 'is not Ready', conditions }, health);
}

function pendingAlarms(host: SimulatedHost, scope: Scope): Alarm[] {
  if (host.claim || !host.wasReady) return [];
  return alarmsOn(host, scope).map((alarm) => ({ host: host.name, ...alarm }));
}

function fleetOf(
  members: readonly SimulatedHost[],
  { health }: Scope,
  planRevision: string,
): Omit<FleetFacts, 'claimedAway' | 'keptByOtherPools'> {
  const others = members.filter(
    ({ closedToNewWork, ready, claim, taints }) =>
      !claim && (closedToNewWork || !ready || outOfServiceTaints(taints, health).length > 0),
  );
  return {
    total: members.length,
    outOfServiceByOthers: new Set(others.map(({ name }) => name)),
    revision: planRevision,
  };
}
