/** The host-ops port over a world in memory, for tests: the whole contract, at once and without faults. */
import type { Effect, Outcome } from '../../engine/effect.ts';
import type { Alarm, EffectFacts, FleetFacts, HostFacts, InstanceFacts, View } from '../../engine/view.ts';
import type { Facts, HostName, HostSeed } from '../../planner/facts.ts';
import { hasAll } from '../../planner/labels.ts';
import { rolesOf } from '../label-selector.ts';
import type { Fence, HostOps, HostWatch, Scope, Subscription } from '../port.ts';
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

  view(scope: Scope): View {
    const world = this.#world;
    const hosts = new Map(world.hosts);
    const jobs = new Map(world.jobs);
    const watched = new Set([...this.#watches].flatMap((each) => [...each.hosts]));
    const instances = new Map([...watched].map((host) => [host, world.podsOn(host).map(instanceOf)]));
    const members = this.#hostsOf(scope);
    const alarms = { observedAt: world.now, alarms: members.flatMap(alarmOf) };
    return {
      host: (name) => {
        const host = hosts.get(name);
        return host && factsOf(host, instances.get(name));
      },
      effect: (key) => {
        const job = jobs.get(key);
        return job && watched.has(job.host) ? jobFacts(job) : undefined;
      },
      signal: () => alarms,
      fleet: fleetOf(members, world.planRevision),
    };
  }

  async confirm(_hosts: readonly HostName[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
  }

  async perform(effect: Effect, _fence: Fence, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    const host = this.#world.hosts.get(effect.host);
    if (!host) return { kind: 'refused', reason: `${effect.host} no longer exists` };
    switch (effect.kind) {
      case 'claim':
        return this.#claim(host, effect);
      case 'release':
        return this.#release(host, effect);
      case 'evict':
        return this.#evict(effect);
      case 'create-job':
        return this.#createJob(effect);
      case 'start-job':
        return this.#startJob(effect);
    }
  }

  #claim({ name, claim, revision }: SimulatedHost, effect: Effect & { kind: 'claim' }): Outcome {
    if (claim?.run === effect.claim.run) return ALREADY;
    if (claim) {
      return {
        kind: 'blocked',
        reason: `${name} is held by strategy ${claim.owner.namespace}/${claim.owner.name}`,
      };
    }
    if (effect.revision !== String(revision)) return STALE;
    this.#world.changeHost(name, {
      claim: effect.claim,
      ...(effect.claim.level === 'away' ? { closed: true } : {}),
    });
    return ACCEPTED;
  }

  #release({ name, claim, revision }: SimulatedHost, effect: Effect & { kind: 'release' }): Outcome {
    if (claim?.run !== effect.run) return ALREADY;
    if (effect.revision !== String(revision)) return STALE;
    const reopen = claim.level === 'away' && !claim.closedBefore;
    this.#world.changeHost(name, { claim: undefined, ...(reopen ? { closed: false } : {}) });
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

  #createJob({ key, host, action, job }: Effect & { kind: 'create-job' }): Outcome {
    if (this.#world.jobs.has(key)) return ALREADY;
    this.#world.addJob({ key, host, action, container: job.template.spec.containers[0]?.name ?? '' });
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

  #hostsOf({ nodeSelector }: Scope): SimulatedHost[] {
    return [...this.#world.hosts.values()].filter(({ labels }) => hasAll(labels, nodeSelector));
  }
}

function seedOf(host: SimulatedHost, { roles }: Scope): HostSeed {
  return { name: host.name, roles: rolesOf(host.labels, roles), facts: plannedBy(host) };
}

function plannedBy({ nodeInfo, labels }: SimulatedHost): Facts {
  const named = Object.entries(labels).map(([key, value]) => [`labels.${key}`, value] as const);
  return { ...nodeInfo, ...Object.fromEntries(named) };
}

function factsOf(host: SimulatedHost, instances: readonly InstanceFacts[] | undefined): HostFacts {
  const { name, revision, closed, ready, bootId, claim } = host;
  const alarms = ready ? [] : ['not Ready'];
  return {
    name,
    revision: String(revision),
    closed,
    ready,
    alarms,
    bootId,
    facts: plannedBy(host),
    claim,
    instances,
  };
}

function instanceOf({ uid, namespace, name, leaving, unmanaged, localData }: SimulatedPod): InstanceFacts {
  return { uid, namespace, name, leaving, unmanaged, localData };
}

function jobFacts({ name, uid, revision, state, failure }: SimulatedJob): EffectFacts {
  return { name, uid, revision: String(revision), state, ...(failure === undefined ? {} : { failure }) };
}

function alarmOf({ name, ready, claim }: SimulatedHost): Alarm[] {
  return ready || claim ? [] : [{ host: name, reason: 'not Ready' }];
}

function fleetOf(members: readonly SimulatedHost[], planRevision: string): FleetFacts {
  const others = members.filter(({ closed, ready, claim }) => !claim && (closed || !ready));
  return {
    total: members.length,
    outOfServiceByOthers: new Set(others.map(({ name }) => name)),
    revision: planRevision,
  };
}
