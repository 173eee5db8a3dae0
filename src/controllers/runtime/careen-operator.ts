import k8sOperator from '@dot-i/k8s-operator';
import type { ResourceEvent } from '@dot-i/k8s-operator';
import type { Logger } from 'pino';
import { GROUP, MAINTENANCE_SESSION, VERSION } from '../../crds/names.ts';
import { ownerKey, ownerOfKey } from '../../crds/owner-ref.ts';
import { STRATEGY_KIND_NAMES, STRATEGY_KINDS, type StrategyKindName } from '../../crds/strategy-kinds.ts';
import type { DeposedError } from '../../engine/permits/takeover.ts';
import type { PartLimits } from '../../engine/run/parts.ts';
import type { HostOps } from '../../hostops/port.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { ReplyPort } from '../../tenants/reply-port.ts';
import type { ReplyLinks } from '../../tenants/reply-links.ts';
import { CareenApi, parsePool } from '../../resources/careen-api.ts';
import { DownloadObjects } from '../../resources/download-objects.ts';
import { PlanStages } from '../../resources/plan-stages.ts';
import type { OutdatedKinds } from '../../resources/outdated-kind-error.ts';
import { PoolLedger } from '../pool/pool-ledger.ts';
import { Pools } from '../pool/pools.ts';
import { hostPoolReconciler } from '../pool/reconcile-host-pool.ts';
import type { RemovalDeps } from '../pool/remove-finished.ts';
import { suspendPool } from '../pool/suspend-pool.ts';
import { Downloads, type FetchFile } from '../session/downloads.ts';
import type { OwnWorkflows } from '../session/load-workflows.ts';
import { OtherSessions } from '../session/other-sessions.ts';
import { TenantDesk } from '../session/tenant-desk.ts';
import { strategyReconciler } from '../strategy/reconcile-strategy.ts';
import type { Lead, StrategyDeps } from '../strategy/strategy-deps.ts';
import { RunStore } from '../strategy/run-store.ts';
import { StrategyIndex } from '../strategy/strategy-index.ts';
import { suspendStrategy } from '../strategy/suspend-strategy.ts';
import { poolEvent, type Telemetry } from './events.ts';
import { KindsGate, type Kinds } from './kinds-gate.ts';
import { reconcileQueue, type ReconcileQueueOptions } from './reconcile-queue.ts';
import type { Reconcile } from './reconcile-result.ts';
import { OperatorShell, type ShellDeps } from './shell.ts';
import type { WorkQueue } from './work-queue.ts';

type QueueKind = Pick<ReconcileQueueOptions, 'kind' | 'atOnce' | 'spacingMilliseconds'>;

/** The pods of a drained host change one by one, and each write is reported back: such changes share a pass. */
const STRATEGY_QUEUE: QueueKind = { kind: 'strategy', atOnce: 4, spacingMilliseconds: 25 };
const POOL_QUEUE: QueueKind = { kind: 'pool', atOnce: 2 };
/** How many strategies at rest are looked at again in each resync. */
const RESTING_AT_ONCE = 20;
const POOL_PAUSE_MILLISECONDS = 1_000;

export type OperatorDeps = ShellDeps &
  Telemetry & {
    readonly hosts: HostOps;
    readonly kinds: Kinds;
    readonly log: Logger;
    readonly newId: () => string;
    readonly partLimits?: PartLimits;
    readonly operatorNamespace: string;
    /** Where projects answer by HTTP; undefined: nowhere. */
    readonly replyLinks?: ReplyLinks | undefined;
    /** The host of this process, where it is known. */
    readonly activeHost: HostName | undefined;
    readonly lead?: Lead;
    /** The workflows that the administrator has added. */
    readonly workflows?: OwnWorkflows | undefined;
    /** Downloads a file for a session. */
    readonly fetchFile: FetchFile;
    /** A safety net: pools and open runs are reconciled this often, even without a change; other strategies in turn. */
    readonly resyncSeconds: number;
    /** Called when another operator leads: this process must end at once. */
    readonly deposed: (error: DeposedError) => void;
  };

type Suspend = (deps: StrategyDeps, key: string, why: OutdatedKinds) => Promise<void>;
type Deps = StrategyDeps & RemovalDeps;
type ReconcilerMaker = (deps: Deps, changed: (key: string, inMilliseconds: number) => void) => Reconcile;

/** Wires the watches of our resources to the queues, and the queues to the reconcilers. */
export class CareenOperator extends OperatorShell {
  /** Takes the answers of projects that come by HTTP. */
  readonly replies: ReplyPort;
  readonly #api: CareenApi;
  readonly #desk: TenantDesk;
  readonly #others: OtherSessions;
  readonly #downloads: Downloads;
  readonly #strategies: WorkQueue;
  readonly #pools: WorkQueue;
  readonly #index = new StrategyIndex((pool) => this.#pools.add(pool));
  readonly #known = new Pools({
    moved: () => this.#requeueAll(),
    freed: (pool) => this.#permitsFreed(pool),
  });
  readonly #awaitingPermits = new Set<string>();
  readonly #resyncSeconds: number;
  #resync: NodeJS.Timeout | undefined;

  constructor(given: OperatorDeps) {
    const { config, hosts, kinds, log, clock, newId, operatorNamespace, activeHost, lead } = given;
    const { deposed, events, metrics } = given;
    super({ config, log, clock });
    this.#resyncSeconds = given.resyncSeconds;
    const adopted: StrategyDeps['adopted'] = new Map();
    // After a restore of etcd this process knows changes that the cluster no longer has: it reads the hosts and runs anew.
    const api = new CareenApi(config, () => {
      adopted.clear();
      hosts.listAgain();
    });
    this.#api = api;
    const pools = this.#known;
    const ledger = poolLedger(given, api, pools);
    this.#others = new OtherSessions({ api, adopted, clock });
    this.#desk = new TenantDesk(given, (key) => this.#strategies.add(key));
    const { tenants } = this.#desk;
    this.replies = tenants.desk;
    const objects = new DownloadObjects(config);
    this.#downloads = new Downloads({ objects, log, clock, fetchFile: given.fetchFile }, (key) =>
      this.#strategies.add(key),
    );
    const deps: Deps = {
      ...{ tenants, others: this.#others, downloads: this.#downloads, workflows: given.workflows, lead },
      ...{ api, hosts, ledger, pools, operatorNamespace, activeHost, log, clock, newId, events, metrics },
      runs: new RunStore({ ...given, api, parts: new PlanStages(config) }),
      ...{
        adopted,
        refused: new Map(),
        awaitingPermits: this.#awaitingPermits,
        index: this.#index,
      },
    };
    const groupOf = (key: string): string => ownerOfKey(key).namespace;
    const gate = new KindsGate({ kinds, log, clock });
    const queue = (of: QueueKind, make: ReconcilerMaker, suspend: Suspend): WorkQueue =>
      reconcileQueue({ ...of, groupOf, log, metrics, clock, deposed }, (changed) =>
        gate.guard(of.kind, make(deps, changed), (key, why) => suspend(deps, key, why)),
      );
    this.#strategies = queue(STRATEGY_QUEUE, strategyReconciler, suspendStrategy);
    this.#pools = queue(POOL_QUEUE, hostPoolReconciler, suspendPool);
    metrics.watchQueue(() => this.#strategies.depth + this.#pools.depth);
    metrics.watchKinds(() => gate.isClosed);
    kinds.changed = () => this.#requeueAll();
  }

  protected override async init(): Promise<void> {
    const poolChanged = (event: ResourceEvent): Promise<void> => this.#poolChanged(event);
    await this.watchResource(GROUP, VERSION, 'hostpools', poolChanged, undefined, {
      changesAs: 'metadata',
      follow: (watch) => this.#api.followPools(watch),
    });
    this.#desk.start();
    for (const kind of STRATEGY_KIND_NAMES) await this.#watchStrategies(kind);
    this.#others.areAllShown();
    this.#resync = setInterval(() => this.#requeueDue(), this.#resyncSeconds * 1000);
  }

  /** Takes no more work and waits for the passes that run. Safe to call twice. */
  async close(): Promise<void> {
    clearInterval(this.#resync);
    this.stop();
    this.#desk.stop();
    await Promise.all([this.#strategies.stop(), this.#pools.stop(), this.#downloads.close()]);
  }

  async #watchStrategies(kind: StrategyKindName): Promise<void> {
    const { plural } = STRATEGY_KINDS[kind].definition;
    const changed = (event: ResourceEvent): Promise<void> => this.#strategyChanged(kind, event);
    await this.watchResource(GROUP, VERSION, plural, changed, undefined, {
      listAs: 'metadata',
      changesAs: 'metadata',
      follow: (watch) => this.#api.followStrategies(kind, watch),
    });
  }

  async #strategyChanged(kind: StrategyKindName, { meta, object, type }: ResourceEvent): Promise<void> {
    const key = ownerKey({ kind, namespace: meta.namespace ?? '', name: meta.name });
    const isGone = type === k8sOperator.ResourceEventType.Deleted;
    if (kind === MAINTENANCE_SESSION) {
      this.#desk.sweep.shows(key, isGone ? undefined : object.metadata?.uid);
      this.#others.shows(key, !isGone);
    }
    if (isGone) {
      this.#index.delete(key);
      this.#awaitingPermits.delete(key);
    } else this.#index.add(key);
    this.#strategies.add(key);
    return Promise.resolve();
  }

  /** When the hosts of a pool may have changed, `Pools` requeues everything: each pool depends on the others. */
  async #poolChanged({ meta: { name }, object, type }: ResourceEvent): Promise<void> {
    const pool = parsePool(object);
    if (type === k8sOperator.ResourceEventType.Deleted) this.#known.delete(name);
    else if (pool) this.#known.set(pool);
    // The watch delivers metadata only; the pass reads the spec. Each permit changes the status: the pool may wait a
    // second, and concerns no strategy unless permits were freed, which the pass finds when another process has done it.
    const known = this.#known.knows(name, object.metadata ?? {});
    this.#pools.addAfter(name, known ? POOL_PAUSE_MILLISECONDS : 0);
    if (!known) for (const key of this.#index.ofPool(name)) this.#strategies.add(key);
    return Promise.resolve();
  }

  #permitsFreed(pool: string): void {
    for (const key of this.#index.ofPool(pool)) if (this.#awaitingPermits.has(key)) this.#strategies.add(key);
  }

  #requeueAll(): void {
    for (const name of this.#known.names) this.#pools.add(name);
    for (const key of this.#index.keys) this.#strategies.add(key);
  }

  /** The safety net. Its cost does not grow with the number of strategies that are at rest. */
  #requeueDue(): void {
    for (const name of this.#known.names) this.#pools.add(name);
    for (const key of this.#index.due(RESTING_AT_ONCE)) this.#strategies.add(key);
    void this.#desk.sweep.sweep();
  }
}

function poolLedger({ hosts, log, events, metrics }: OperatorDeps, api: CareenApi, pools: Pools): PoolLedger {
  return new PoolLedger({
    store: api,
    markedHosts: (pool) => hosts.readMarkedHosts(pools.scopeOf(pool), new AbortController().signal),
    stored: (pool) => pools.set(pool),
    wrote: (result) => metrics.permitWrite(result),
    rebuilt: (pool) => {
      const note =
        'the status of the pool was older than the claims on its hosts: its permits were rebuilt from the claims';
      log.warn({ pool: pool.metadata.name }, note);
      events.record(poolEvent(pool, { reason: 'PoolRebuilt', note }));
    },
  });
}
