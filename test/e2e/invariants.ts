/**
 * The invariants of the hosts of a pool, judged by all versions of all objects
 * in the order in which the API server stored them. Pure.
 */
import type { V1Job, V1Node, V1Pod } from '@kubernetes/client-node';
import { EFFECT_ANNOTATION, RUN_LABEL } from '../../src/crds/names.ts';
import type { HostPoolStatus } from '../../src/crds/host-pool.ts';
import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import type { Claim } from '../../src/engine/view.ts';
import { jobState } from '../../src/hostops/jobs/job.ts';
import { nodeState } from '../../src/hostops/kubernetes/node-facts.ts';

type Named = { readonly metadata: { readonly name: string } };
export type PoolSeen = Named & {
  readonly spec: { readonly maxUnavailable: number };
  readonly status?: HostPoolStatus;
};
export type StrategySeen = Named & {
  readonly spec: { readonly poolRef: string };
  readonly status?: StrategyStatus;
};

/** One version of one object; `gone` for the version of its deletion. */
export type Seen = { readonly revision: bigint; readonly gone: boolean } & (
  | { readonly kind: 'node'; readonly object: V1Node }
  | { readonly kind: 'job'; readonly object: V1Job }
  | { readonly kind: 'pod'; readonly object: V1Pod }
  | { readonly kind: 'pool'; readonly object: PoolSeen }
  | { readonly kind: 'strategy'; readonly object: StrategySeen }
);

/** The violations in a pool, each once, in the order of their time. */
export function complaintsOf(history: readonly Seen[], pool: string): string[] {
  const world = new World(pool);
  const complaints = history
    .toSorted((a, b) => (a.revision < b.revision ? -1 : 1))
    .flatMap((seen) => [...world.take(seen), ...world.wrongNow()]);
  return [...new Set(complaints)];
}

type Host = { readonly closed: boolean; readonly claim: Claim | undefined; readonly bootIds: Set<string> };
type Running = { readonly host: string; readonly run: string };

/** The state of a pool after some of its history. */
class World {
  readonly #name: string;
  readonly #hosts = new Map<string, Host>();
  /** Jobs that were started and have not ended. */
  readonly #running = new Map<string, Running>();
  /** The uids of all Jobs that were ever created for an effect. */
  readonly #made = new Map<string, Set<string>>();
  readonly #leaving = new Set<string>();
  /** By run: its final state. */
  readonly #ended = new Map<string, string>();
  #pool: PoolSeen | undefined;
  #status: StrategyStatus = {};

  constructor(name: string) {
    this.#name = name;
  }

  /** Adds the next version; returns the violations of the change itself. */
  take(seen: Seen): string[] {
    switch (seen.kind) {
      case 'node':
        return seen.object.metadata?.labels?.['pool'] === this.#name ? this.#node(seen.object) : [];
      case 'job':
        return this.#job(seen.object, seen.gone);
      case 'pod':
        return this.#pod(seen.object);
      case 'pool':
        if (seen.object.metadata.name === this.#name) this.#pool = seen.object;
        return [];
      case 'strategy':
        return seen.object.spec.poolRef === this.#name && !seen.gone ? this.#strategy(seen.object) : [];
    }
  }

  /** The violations of the present state. */
  wrongNow(): string[] {
    if (!this.#pool) return [];
    const { spec, status = {} } = this.#pool;
    const limit = `the pool allows ${String(spec.maxUnavailable)}`;
    const permits = (status.permits ?? []).filter(({ level }) => level === 'away');
    const holders = permits.map(({ host }) => host);
    const closed = [...this.#hosts].filter(([, { closed: is }]) => is).map(([name]) => name);
    const unpermitted = [...this.#hosts].flatMap(([name, { claim }]) => {
      const stands = !claim || permits.some(({ host, run }) => host === name && run === claim.run);
      return stands ? [] : [`${name} is claimed by a run that has no permit for it`];
    });
    const astray = [...this.#running]
      .filter(([, { host, run }]) => this.#hosts.get(host)?.claim?.run !== run)
      .map(([job, { host }]) => `Job ${job} runs on ${host}, which is not taken out of service for it`);
    return [
      ...(closed.length > spec.maxUnavailable ? [`${closed.join(', ')} are away at once, ${limit}`] : []),
      ...(holders.length > spec.maxUnavailable ? [`permits for ${holders.join(', ')}, ${limit}`] : []),
      ...unpermitted,
      ...astray,
    ];
  }

  #node(node: V1Node): string[] {
    const { name, closedToNewWork: closed, claim, bootId } = nodeState(node);
    const before = this.#hosts.get(name);
    const bootIds = (before?.bootIds ?? new Set()).add(bootId ?? '');
    bootIds.delete(''); // it has not joined yet
    this.#hosts.set(name, { closed, claim, bootIds });
    const lost = before?.claim && before.claim.run !== claim?.run ? before.claim.run : undefined;
    const { run, state, progress } = this.#status;
    const working = progress?.hosts.find((host) => host.name === name && host.step !== 'unlock-hosts');
    return [
      ...(bootIds.size > 2 ? [`${name} was rebooted ${String(bootIds.size - 1)} times`] : []),
      ...(lost !== undefined && lost === run?.id && state === 'applying' && working
        ? [`${name} was given back in the middle of ${working.step}`]
        : []),
    ];
  }

  #job(object: V1Job, gone: boolean): string[] {
    const { uid = '', annotations = {} } = object.metadata ?? {};
    const key = annotations[EFFECT_ANNOTATION];
    // Counted by its annotation: a Job that the operator would not take for its own is a violation, too.
    const job = key === undefined ? undefined : jobState(object, { uid, key, ownerKind: '', ownerUid: '' });
    if (!job || !this.#hosts.has(job.host)) return [];
    if (gone || job.state !== 'running') this.#running.delete(job.name);
    else this.#running.set(job.name, job);
    const uids = (this.#made.get(job.key) ?? new Set()).add(job.uid);
    this.#made.set(job.key, uids);
    return uids.size > 1 ? [`${String(uids.size)} Jobs were made for the effect ${job.key}`] : [];
  }

  /** Pods of Jobs leave with them, so only others count. */
  #pod({ metadata, spec }: V1Pod): string[] {
    const { uid = '', name = '', deletionTimestamp, labels = {} } = metadata ?? {};
    const host = spec?.nodeName ?? '';
    if (labels[RUN_LABEL] !== undefined || deletionTimestamp === undefined || this.#leaving.has(uid))
      return [];
    this.#leaving.add(uid);
    const emptied = this.#hosts.get(host)?.claim !== undefined;
    return this.#hosts.has(host) && !emptied ? [`pod ${name} was evicted from ${host}, which serves`] : [];
  }

  #strategy({ status = {} }: StrategySeen): string[] {
    this.#status = status;
    const { run, state = '', progress, applyPhase } = status;
    if (!run) return [];
    const stages = applyPhase?.stages.map(({ steps }) => steps.map(({ result }) => result));
    const essence = JSON.stringify([state, progress?.hosts.map(({ name }) => name) ?? [], stages]);
    const before = this.#ended.get(run.id);
    if (before === undefined && ['applied', 'aborted'].includes(state)) this.#ended.set(run.id, essence);
    return before === undefined || before === essence
      ? []
      : [`the run had ended as ${before}, and stands as ${essence}`];
  }
}

/** The forbidden leftovers of a pool's run; empty after a run that ended in good order. */
export function leftovers(
  nodes: readonly V1Node[],
  { permits = [] }: HostPoolStatus,
  jobs: readonly V1Job[],
): string[] {
  const hosts = nodes.map(nodeState);
  return [
    ...hosts.filter(({ closedToNewWork: closed }) => closed).map(({ name }) => `${name} is closed`),
    ...hosts
      .filter(({ hasMaintenanceMark: marked, claim }) => marked || claim)
      .map(({ name }) => `${name} is marked`),
    ...permits.map(({ host }) => `a permit for ${host} is left`),
    ...jobs
      .filter(({ spec }) => spec?.suspend)
      .map(
        ({ metadata }) => `a suspended Job for ${metadata?.annotations?.[EFFECT_ANNOTATION] ?? ''} is left`,
      ),
  ];
}
