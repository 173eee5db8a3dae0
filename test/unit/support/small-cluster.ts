/** A strategy and its pool on an API server in memory, hosts that exist only in memory, and passes of an operator. */
import { STRATEGY_KIND_NAMES, type StrategyKindName } from '../../../src/crds/strategy-kinds.ts';
import { expect } from 'vitest';
import { operatorMetrics } from '../../../src/controllers/runtime/operator-metrics.ts';
import { PoolLedger } from '../../../src/controllers/pool/pool-ledger.ts';
import { hostPoolReconciler } from '../../../src/controllers/pool/reconcile-host-pool.ts';
import type { Reconcile, ReconcileResult } from '../../../src/controllers/runtime/reconcile-result.ts';
import { StrategyIndex } from '../../../src/controllers/strategy/strategy-index.ts';
import { RunStore } from '../../../src/controllers/strategy/run-store.ts';
import { strategyReconciler } from '../../../src/controllers/strategy/reconcile-strategy.ts';
import type { CareenEvent } from '../../../src/telemetry/event-object.ts';
import { API_VERSION } from '../../../src/crds/names.ts';
import { strategyStatus, type StrategyStatus } from '../../../src/crds/observed/strategy-status.ts';
import type { PartLimits } from '../../../src/engine/run/parts.ts';
import { SimulatedHostOps } from '../../../src/hostops/simulated/simulated-host-ops.ts';
import { SimulatedWorld } from '../../../src/hostops/simulated/simulated-world.ts';
import type { Call } from '../../../src/kube/client.ts';
import { CareenApi } from '../../../src/resources/careen-api.ts';
import { PlanStages } from '../../../src/resources/plan-stages.ts';
import { ApiServer } from '../../simulation/world/api-server.ts';
import type { ApiObject, NewObject } from '../../simulation/world/objects.ts';
import { NO_DOWNLOADS, NO_OTHERS, NO_TENANTS } from './no-tenants.ts';
import { job, KERNEL, kernelPatch, RELEASE, strategySpec } from './simulated-run.ts';
import { clientOf, json, poolsOn } from './strategy-passes.ts';

const NAME = 'kernel';
const NAMESPACE = 'careen-hosts';
const PATH = `${NAMESPACE}/${NAME}`;
const POOL = 'default';
const OLD = { 'nodeInfo.kernelVersion': '6.12.40', 'nodeInfo.kubeletVersion': 'v1.36.3' };
const SILENT = { info: () => undefined, warn: () => undefined };

export class SmallCluster {
  readonly world = new SimulatedWorld({
    [KERNEL]: { atReboot: { 'nodeInfo.kernelVersion': '6.12.48' } },
    worker: { atOnce: { 'nodeInfo.kubeletVersion': RELEASE } },
  });
  readonly server = new ApiServer(() => this.world.now);
  readonly hosts = new SimulatedHostOps(this.world);
  readonly awaitingPermits = new Set<string>();
  /** The recorded events, as `REASON: NOTE`. */
  readonly events: string[] = [];
  /** The paths of the requests since the last change of this list. */
  readonly requests: string[] = [];
  #runs = 0;
  #strategyPass: Reconcile;
  #poolPass: Reconcile;

  /** Called before each deletion of an object. */
  beforeDelete: () => void = () => undefined;

  /** How often a strategy was read with its spec. */
  wholeReads = 0;
  readonly #partLimits: PartLimits | undefined;

  /** The keys that a change of a host has queued. */
  readonly woken: string[] = [];
  #isWatched = false;
  /** The kind of the strategy. */
  readonly tenants = { ...NO_TENANTS };
  #kind: StrategyKindName = 'PatchStrategy';

  constructor(
    hosts: readonly string[],
    maxUnavailable = 1,
    allowedNamespaces = [NAMESPACE],
    partLimits?: PartLimits,
  ) {
    this.#partLimits = partLimits;
    for (const name of hosts) this.world.addHost({ name, nodeInfo: OLD });
    const spec = { provider: { kubernetes: {} }, maxUnavailable, allowedNamespaces };
    this.#create('hostpools', 'HostPool', { name: POOL }, { spec });
    [this.#strategyPass, this.#poolPass] = this.#operator();
  }

  /** Places the strategy; the second time under another uid. */
  placeStrategy(
    execution: object,
    {
      annotations = {},
      finalizers = [],
      status,
      managedFields,
    }: {
      annotations?: Record<string, string>;
      finalizers?: string[];
      status?: unknown;
      managedFields?: readonly object[];
    } = {},
  ): void {
    const spec = strategySpec({ execution, patches: [kernelPatch] });
    const written = managedFields ? { managedFields } : {};
    const metadata = { name: NAME, namespace: NAMESPACE, annotations, finalizers, ...written };
    this.#create('patchstrategies', 'PatchStrategy', metadata, { spec, ...(status ? { status } : {}) });
  }

  /** Places an upgrade instead. Unlike a strategy of patches it is in the form that users write. */
  placeUpgrade(execution: object, fields: object = {}): void {
    this.#kind = 'UpgradeStrategy';
    const worker = { action: { job }, drain: 'always' };
    const spec = { release: { version: RELEASE }, hosts: { worker }, workerApplyType: 'parallel', execution };
    this.#create(
      this.#resource,
      this.#kind,
      { name: NAME, namespace: NAMESPACE },
      { spec: { ...spec, ...fields } },
    );
  }

  get #resource(): 'patchstrategies' | 'upgradestrategies' {
    return this.#kind === 'PatchStrategy' ? 'patchstrategies' : 'upgradestrategies';
  }

  get strategy(): ApiObject {
    return this.server.get(this.#resource, PATH) ?? expect.fail('there is no strategy');
  }

  get pool(): ApiObject {
    return this.server.get('hostpools', POOL) ?? expect.fail('there is no pool');
  }

  get status(): StrategyStatus {
    return strategyStatus.parse(this.strategy.status ?? {});
  }

  /** Lets these namespaces use the pool; the operator reads it anew. */
  allow(allowedNamespaces: readonly string[]): void {
    this.server.update(
      'hostpools',
      POOL,
      (pool) => ({ ...pool, spec: json({ ...(pool.spec as object), allowedNamespaces }) }),
      'tool',
    );
    this.restartOperator();
  }

  /** Changes the strategy as another tool does. */
  edit(change: (object: ApiObject) => ApiObject): void {
    this.server.update(this.#resource, PATH, change, 'tool');
  }

  /** Changes the spec of the strategy. */
  editSpec(fields: object): void {
    this.edit((object) => ({ ...object, spec: { ...object.spec, ...json(fields) } }));
  }

  /** Changes the spec of the pool. */
  editPool(fields: object): void {
    const change = (object: ApiObject): ApiObject => ({
      ...object,
      spec: { ...object.spec, ...json(fields) },
    });
    this.server.update('hostpools', POOL, change, 'admin');
  }

  /** Places a request, or removes it. */
  request(request: { readonly id: string; readonly verb: string; readonly host?: string } | undefined): void {
    this.edit(({ metadata, ...object }) => {
      const { 'careen.dev/request': _, ...others } = metadata.annotations ?? {};
      const placed = request ? { 'careen.dev/request': JSON.stringify(request) } : {};
      return { ...object, metadata: { ...metadata, annotations: { ...others, ...placed } } };
    });
  }

  wipeStatus(): void {
    this.edit(({ status: _, ...object }) => object);
  }

  removeStrategy(): void {
    this.edit((object) => ({ ...object, metadata: { ...object.metadata, finalizers: [] } }));
    this.server.remove(this.#resource, PATH, 'tool');
  }

  /** The operator has watches of strategies and pools from now on, which are never late. */
  watch(): void {
    this.#isWatched = true;
    this.restartOperator();
  }

  restartOperator(): void {
    [this.#strategyPass, this.#poolPass] = this.#operator();
  }

  /** One pass over the strategy. */
  async pass(): Promise<ReconcileResult> {
    return this.#strategyPass(`${this.#kind}/${PATH}`, new AbortController().signal);
  }

  /** One pass over the pool. */
  async poolPass(): Promise<ReconcileResult> {
    return this.#poolPass(POOL, new AbortController().signal);
  }

  /** Passes over the strategy, second by second, until the condition holds. */
  async until(what: string, isReached: () => boolean): Promise<void> {
    for (let tries = 0; tries < 600; tries++) {
      if (isReached()) return;
      await this.pass();
      this.world.advanceTo(this.world.now + 1_000);
    }
    expect.fail(`waited in vain for ${what}: ${JSON.stringify(this.strategy.status)}`);
  }

  #create(
    resource: 'hostpools' | 'patchstrategies' | 'upgradestrategies',
    kind: string,
    metadata: NewObject['metadata'],
    rest: object,
  ): void {
    this.server.create(resource, { ...json(rest), apiVersion: API_VERSION, kind, metadata }, 'test');
  }

  #operator(): [Reconcile, Reconcile] {
    const read = ({ method, path, as }: Call): void => {
      this.requests.push(`${method} ${path}`);
      if (method === 'DELETE') this.beforeDelete();
      if (method === 'GET' && path.includes('/patchstrategies/') && as !== 'metadata') this.wholeReads += 1;
    };
    const api = new CareenApi(clientOf(this.server, read));
    if (this.#isWatched) {
      for (const kind of STRATEGY_KIND_NAMES) {
        const resource = kind === 'PatchStrategy' ? 'patchstrategies' : 'upgradestrategies';
        api.followStrategies(kind, { connection: 1, get: (key) => this.server.get(resource, key) });
      }
      api.followPools({ connection: 1, get: (key) => this.server.get('hostpools', key) });
    }
    const clock = (): number => this.world.now;
    const pools = poolsOn(this.server);
    const told = {
      log: SILENT,
      events: { record: ({ reason, note }: CareenEvent) => void this.events.push(`${reason}: ${note}`) },
      metrics: operatorMetrics(clock),
    };
    const parts = new PlanStages(clientOf(this.server, read));
    const deps = {
      ...{
        api,
        hosts: this.hosts,
        pools,
        adopted: new Map(),
        index: new StrategyIndex(() => undefined),
        refused: new Map(),
        awaitingPermits: this.awaitingPermits,
        clock,
        ...told,
      },
      ledger: new PoolLedger({
        store: api,
        markedHosts: (pool) => this.hosts.readMarkedHosts(pools.scopeOf(pool), new AbortController().signal),
      }),
      ...{ operatorNamespace: 'careen-system', activeHost: undefined, tenants: this.tenants },
      ...{ others: NO_OTHERS, downloads: NO_DOWNLOADS },
      newId: () => `r-${String((this.#runs += 1))}`,
      runs: new RunStore({ ...told, api, clock, parts, partLimits: this.#partLimits }),
    };
    const woken = (key: string): void => void this.woken.push(key);
    return [strategyReconciler(deps, woken), hostPoolReconciler(deps, () => undefined)];
  }
}
