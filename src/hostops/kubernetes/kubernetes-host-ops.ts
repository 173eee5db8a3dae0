/** The port to the hosts, for the nodes of the cluster that Careen runs in. */
import { once } from 'node:events';
import type { KubeConfig, V1Node } from '@kubernetes/client-node';
import { OPERATOR_NAMESPACE } from '../../crds/names.ts';
import type { OwnerRef } from '../../crds/owner-ref.ts';
import type { Effect, Outcome } from '../../engine/effect.ts';
import { signalsFrom, type HostFacts, type MemberHealth, type View } from '../../engine/view.ts';
import type { HostName, HostSeed, PlatformFacts } from '../../planner/hosts/facts.ts';
import { changeableAmong, type ConfigMapFacts } from '../config-maps.ts';
import { Fleet } from '../fleet.ts';
import { hostFactsOf, standingOf } from '../host-state.ts';
import { HostWatchers } from '../host-watchers.ts';
import { membershipOf } from '../membership.ts';
import { NODE_WORDS } from '../node-words.ts';
import { OpenFleets } from '../open-fleets.ts';
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
import { adoptNode } from './adopt-node.ts';
import { evictPod } from './evictions.ts';
import { HostJobs } from '../jobs/host-jobs.ts';
import { call } from '../../kube/client.ts';
import { projections } from '../../kube/streamed-list.ts';
import { explain, httpStatus } from '../../kube/errors.ts';
import type { Log } from '../../kube/log.ts';
import { Members } from './member-health.ts';
import { nextNodeState, nodeState, seedOf, type NodeState } from './node-facts.ts';
import { claimNode, leaveNodeLocked, recordonNode, releaseNode } from './node-writes.ts';
import { readPlatform } from './platform-facts.ts';
import { PodWatches } from './pod-watches.ts';
import { SupervisedInformer } from '../../kube/informer.ts';
import { allEnded, type Writer } from '../../kube/writes.ts';
import { refused, type Written } from '../outcomes.ts';

const NODES = '/api/v1/nodes';
/** Its metrics are a long text, and few of them change. */
const PLATFORM_MILLISECONDS = 300_000;

export class KubernetesHostOps implements HostOps {
  readonly #writer: Writer;
  readonly #log: Log;
  readonly #nodes: SupervisedInformer<V1Node, NodeState>;
  readonly #jobs: HostJobs;
  readonly #pods: PodWatches;
  /** Resolves when everything is listed anew; undefined while no list is awaited. */
  #listed: Promise<unknown> | undefined;
  readonly #watchers: HostWatchers;
  readonly #fleets: OpenFleets;
  readonly #stopped = new AbortController();
  #platform: { readonly until: number; readonly facts: Promise<PlatformFacts> } | undefined;
  #platformUnknown = '';
  readonly #members: Members;

  /**
   * @param namespace the operator's own
   * @param jobs those of the hosts of all providers
   */
  constructor(
    config: KubeConfig,
    log: Log,
    now: () => number,
    namespace = OPERATOR_NAMESPACE,
    jobs = new HostJobs({ config, now, log }),
  ) {
    this.#members = new Members({ config, namespace, log });
    const changed = (host: HostName): void => this.#watchers.tell(host);
    const notify = (listener: () => void): void => this.#guarded(listener);
    this.#fleets = new OpenFleets(() => this.#nodes.values(), notify);
    this.#watchers = new HostWatchers({
      acquire: (host, inUse) => this.#pods.acquire(host, inUse || isTaken(this.#nodes.get(host))),
      release: (host) => this.#pods.release(host),
      isKnown: (host) => this.#pods.instances(host) !== undefined,
      notify,
    });
    this.#writer = { config, now };
    this.#log = log;
    this.#nodes = new SupervisedInformer<V1Node, NodeState>({
      config,
      path: NODES,
      project: nextNodeState,
      changed: (before, after) => this.#nodeChanged(before, after),
      // A new watch makes the knowledge of the fleets current, even when nothing changed.
      connected: () => this.#fleets.tellAll(),
      wentBack: () => this.listAgain(),
      now,
      log,
    });
    this.#jobs = jobs;
    jobs.listen(changed);
    this.#pods = new PodWatches({ config, changed, isOurs: (uid) => this.#jobs.isOurs(uid), now, log });
  }

  /** Resolves when all nodes are known. Until then `view` knows nothing. */
  async start(): Promise<void> {
    this.#nodes.start();
    await this.#nodes.synced;
    this.#log.info({ nodes: [...this.#nodes.values()].length }, 'the nodes of the cluster are known');
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#nodes.stop();
    this.#jobs.stop();
    this.#pods.stop();
    this.#watchers.closeAll();
    this.#fleets.closeAll();
  }

  /** Whether the nodes are known. */
  get isReady(): boolean {
    return this.#nodes.isSynced;
  }

  async *inventory(scope: Scope, signal: AbortSignal): AsyncGenerator<readonly HostSeed[], void> {
    yield seedsOf(await this.#readNodes(signal), scope);
  }

  listAgain(): void {
    this.#pods.listAgain();
    const listed = Promise.all([this.#listNodesAgain(), this.#jobs.listAgain()]);
    this.#listed = listed;
    void listed.then(() => {
      if (this.#listed === listed) this.#listed = undefined;
    });
  }

  /** No host is judged by the nodes of the future, so a list that fails is awaited again. */
  async #listNodesAgain(): Promise<void> {
    let failure: string | undefined;
    do failure = await this.#nodes.listAgain();
    while (failure !== undefined && !this.#nodes.isStopped);
  }

  async prepare(namespace: string, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted();
    while (this.#listed) await Promise.race([this.#listed, aborted(signal)]);
    return this.#jobs.prepare(namespace);
  }

  async changeableConfigMaps(
    namespace: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> {
    const { config } = this.#writer;
    const read = async (name: string): Promise<ConfigMapFacts> => {
      const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
      // Whether it is immutable is no metadata, so it is read whole.
      return call(config, { method: 'GET', path }, signal);
    };
    return changeableAmong(names, read, signal);
  }

  async platform(): Promise<PlatformFacts> {
    const now = this.#writer.now();
    if (!this.#platform || now >= this.#platform.until)
      this.#platform = { until: now + PLATFORM_MILLISECONDS, facts: this.#readPlatform() };
    return this.#platform.facts;
  }

  async memberHealth(scope: Scope, names: readonly HostName[], signal: AbortSignal): Promise<MemberHealth> {
    const { all } = this.#fleets.of(scope).facts.controllers;
    const addresses = new Map([...all].map((name) => [name, this.#nodes.get(name)?.internalIps ?? []]));
    return this.#members.health(scope, addresses, names, signal);
  }

  /** Reports only what was not unknown for the same reasons before. */
  async #readPlatform(): Promise<PlatformFacts> {
    const reasons: string[] = [];
    const unknown = (reason: string): void => void reasons.push(reason);
    const facts = await readPlatform(this.#writer.config, unknown, this.#stopped.signal);
    const found = reasons.toSorted().join('; ');
    if (found !== '' && found !== this.#platformUnknown)
      this.#log.info({ reason: found }, 'findings about upgrades lack a part of what they rest on');
    this.#platformUnknown = found;
    return facts;
  }

  markedHosts(scope: Scope): readonly MarkedHost[] {
    return this.#withWork(this.#fleets.of(scope).markedHosts);
  }

  async readMarkedHosts(scope: Scope, signal: AbortSignal): Promise<readonly MarkedHost[]> {
    return this.#withWork(new Fleet(scope, await this.#readNodes(signal)).markedHosts);
  }

  async #readNodes(signal: AbortSignal): Promise<NodeState[]> {
    return projections(this.#writer.config, NODES, nodeState, signal);
  }

  #withWork(marked: readonly Omit<MarkedHost, 'busy' | 'begun'>[]): readonly MarkedHost[] {
    return marked.map((each) => {
      const { host, claim } = each;
      const busy = claim !== undefined && this.#jobs.jobsOn(host, claim.owner).length > 0;
      return { ...each, busy, begun: claim !== undefined && this.#jobs.hasBegun(host, claim) };
    });
  }

  idleJobs(owner: OwnerRef): readonly IdleJob[] {
    return this.#jobs.idle(owner);
  }

  async adopt(
    _scope: Scope,
    adoptions: ReadonlyMap<HostName, Adoption>,
    fence: Fence,
    signal: AbortSignal,
  ): Promise<void> {
    const adopt = ([host, adoption]: [HostName, Adoption]): Promise<unknown> =>
      this.#nodes.refresh(host, () => adoptNode(this.#writer, host, adoption, signal));
    await allEnded([...adoptions].map(adopt));
    const recorded = [...adoptions.values()].flatMap(({ jobs = [] }) => jobs);
    await this.#jobs.adopt(recorded, fence, signal);
  }

  watch(_scope: Scope, changed: (hosts: ReadonlySet<HostName>) => void): HostWatch {
    return this.#watchers.watch(changed);
  }

  fleet(scope: Scope, changed: () => void): Subscription {
    return this.#fleets.open(scope, changed);
  }

  view(scope: Scope): View {
    const fleet = this.#fleets.of(scope);
    const observedAt = this.#nodes.connectedAt(this.#writer.now());
    return {
      fleet: fleet.facts,
      host: (name) => this.#hostFacts(name, scope),
      effect: (key, owner) => this.#jobs.effect(key, owner),
      job: (uid, owner) => this.#jobs.job(uid, owner),
      jobsOn: (host, owner) => this.#jobs.jobsOn(host, owner),
      signal: signalsFrom({
        alarms: () => (observedAt === undefined ? undefined : { observedAt, alarms: fleet.alarms }),
      }),
      words: NODE_WORDS,
      seeds: () => seedsOf(this.#nodes.values(), scope),
    };
  }

  async confirm(_scope: Scope, hosts: readonly HostName[], signal: AbortSignal): Promise<void> {
    await Promise.all(hosts.map((host) => this.#confirm(host, signal)));
  }

  async perform(_scope: Scope, effect: Effect, fence: Fence, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    try {
      const outcome = await this.#perform(effect, fence, signal);
      // An aborted request looks like a broken one.
      if (outcome.kind === 'unknown') signal.throwIfAborted();
      return outcome;
    } catch (error) {
      signal.throwIfAborted();
      this.#log.warn({ effect: effect.key, err: error }, 'an effect failed in a way that was not foreseen');
      return { kind: 'unknown', reason: explain(error) };
    }
  }

  async #perform(effect: Effect, fence: Fence, signal: AbortSignal): Promise<Outcome> {
    const node = this.#nodes.get(effect.host);
    switch (effect.kind) {
      case 'claim':
        return this.#keepNode(await claimNode(this.#writer, node, effect, signal));
      case 'release':
        return this.#keepNode(await releaseNode(this.#writer, node, effect, signal));
      case 'recordon':
        return this.#keepNode(await recordonNode(this.#writer, node, effect, signal));
      case 'leave-locked':
        return this.#keepNode(await leaveNodeLocked(this.#writer, node, effect, fence, signal));
      case 'evict':
        return evictPod(this.#writer, effect, signal);
      case 'call-off':
        return refused('an eviction cannot be called off');
      case 'create-job':
      case 'start-job':
      case 'mend-job':
      case 'withdraw-job':
      case 'delete-job':
        return this.#jobs.perform(effect, fence, signal);
    }
  }

  #keepNode({ outcome, object }: Written<V1Node>): Outcome {
    if (object) this.#nodes.upsert(object);
    return outcome;
  }

  async #confirm(host: HostName, signal: AbortSignal): Promise<void> {
    await this.#nodes.refresh(host, async () => {
      try {
        return await call<V1Node>(this.#writer.config, { method: 'GET', path: `${NODES}/${host}` }, signal);
      } catch (error) {
        if (httpStatus(error) !== 404) throw error;
        return undefined;
      }
    });
  }

  #hostFacts(name: HostName, scope: Scope): HostFacts | undefined {
    const node = this.#nodes.get(name);
    return node && hostFactsOf(node, scope, this.#pods.instances(name));
  }

  #nodeChanged(before: NodeState | undefined, after: NodeState | undefined): void {
    if (after && isNewlyClosed(before, after)) this.#pods.relist(after.name);
    else if (after && isTaken(after)) this.#pods.begin(after.name);
    this.#fleets.change(before, after);
    const host = after?.name ?? before?.name;
    if (host !== undefined) this.#watchers.tell(host);
  }

  #guarded(notify: () => void): void {
    try {
      notify();
    } catch (error) {
      this.#log.warn({ err: error }, 'a listener failed');
    }
  }
}

/** Never resolves; throws when the signal is aborted. */
async function aborted(signal: AbortSignal): Promise<never> {
  await once(signal, 'abort');
  throw signal.reason;
}

function seedsOf(nodes: Iterable<NodeState>, scope: Scope): HostSeed[] {
  return [...nodes]
    .filter((node) => membershipOf(node, scope) === 'member')
    .map((node) => ({ ...seedOf(node, scope.roles), ...standingOf(node) }));
}

/** Whether its pods matter: it is closed, or claimed to be patched in place. */
function isTaken(node: NodeState | undefined): boolean {
  return node !== undefined && (node.closedToNewWork || node.claim !== undefined);
}

/** A host that was claimed while it was closed counts, too: it may have been open between two looks. */
function isNewlyClosed(before: NodeState | undefined, after: NodeState): boolean {
  if (!after.closedToNewWork) return false;
  const isClaimed = after.claim !== undefined && after.claim.run !== before?.claim?.run;
  return isClaimed || !before?.closedToNewWork;
}
