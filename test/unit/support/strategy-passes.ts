/** Passes over a strategy on an API server in memory, with one simulated host w-1. */
import { KubeConfig } from '@kubernetes/client-node';
import { API_VERSION } from '../../../src/crds/names.ts';
import { ownerOfKey } from '../../../src/crds/owner-ref.ts';
import type { HostProgress } from '../../../src/crds/observed/host-progress.ts';
import type { StrategyState } from '../../../src/crds/vocabulary.ts';
import { newRun } from '../../../src/engine/run/run-state.ts';
import { specDigest } from '../../../src/planner/digest.ts';
import type { Stage } from '../../../src/planner/plan.ts';
import { statusOfRun } from '../../../src/status/stored/codec.ts';
import { PoolLedger } from '../../../src/controllers/pool/pool-ledger.ts';
import { Pools } from '../../../src/controllers/pool/pools.ts';
import { operatorMetrics } from '../../../src/controllers/runtime/operator-metrics.ts';
import type { Reconcile } from '../../../src/controllers/runtime/reconcile-result.ts';
import { RunStore } from '../../../src/controllers/strategy/run-store.ts';
import { strategyReconciler } from '../../../src/controllers/strategy/reconcile-strategy.ts';
import { SimulatedHostOps } from '../../../src/hostops/simulated/simulated-host-ops.ts';
import { SimulatedWorld } from '../../../src/hostops/simulated/simulated-world.ts';
import type { Answer, Call } from '../../../src/kube/client.ts';
import { CareenApi } from '../../../src/resources/careen-api.ts';
import { PlanStages } from '../../../src/resources/plan-stages.ts';
import { hostPool } from '../../../src/resources/stored-pool.ts';
import { ApiServer, Refusal } from '../../simulation/world/api-server.ts';
import { carryOut } from '../../simulation/world/api-requests.ts';
import { isJson, type Json } from '../../simulation/world/objects.ts';
import { NO_DOWNLOADS, NO_OTHERS, NO_TENANTS } from './no-tenants.ts';
import { strategySpec } from './simulated-run.ts';

export const KEY = 'PatchStrategy/careen-hosts/kernel';
const TIME = '2026-11-25T09:00:00.000Z';
const now = (): number => Date.parse(TIME);

/** A value as it arrives over the wire. */
export function json(value: unknown): Json {
  const read: unknown = JSON.parse(JSON.stringify(value));
  if (!isJson(read)) throw new Error('no object');
  return read;
}

/**
 * A server with a strategy of this pool, and HostPool `held`. Its run was begun there in epoch 1, has this state and
 * these outages, and a permit for w-1.
 */
export function serverWith(
  state: StrategyState,
  poolRef: string,
  hosts: readonly HostProgress[] = [],
): ApiServer {
  const server = new ApiServer(now);
  const spec = strategySpec({ poolRef });
  const stage: Stage = {
    ...{ name: 'sw-patch-worker-hosts', hosts: ['w-1'], patches: [], level: 'away' },
    ...{ steps: [], timeoutSeconds: 60 },
  };
  const record = {
    ...{ id: 'r-1', planDigest: 'd', specDigest: specDigest(strategySpec({ poolRef: 'held' })) },
    ...{ fleetRevision: 'f', builtAt: TIME, pool: 'held', epoch: 1, actions: spec },
  };
  const run = { ...newRun('r-1', { digest: 'd', stages: [stage], actions: spec }), state, hosts: [...hosts] };
  const status = statusOfRun({ run: record }, run, { reasons: [], order: { mode: 'Run' } }, 1, TIME);
  const common = { apiVersion: API_VERSION };
  const strategy = server.create(
    'patchstrategies',
    {
      ...{ ...common, kind: 'PatchStrategy', metadata: { name: 'kernel', namespace: 'careen-hosts' } },
      ...{ spec: json(spec), status: json(status) },
    },
    'test',
  );
  const owner = { ...ownerOfKey(KEY), uid: strategy.metadata.uid };
  const permits = [{ host: 'w-1', run: 'r-1', level: 'away', since: TIME }];
  const pool = { epoch: 1, permits, runs: [{ id: 'r-1', owner }], away: 1 };
  server.create(
    'hostpools',
    {
      ...{ ...common, kind: 'HostPool', metadata: { name: 'held' } },
      ...{ spec: { provider: { kubernetes: {} }, maxUnavailable: 1 }, status: pool },
    },
    'test',
  );
  return server;
}

/** A new process of the operator: its reconciler of strategies. */
export function newProcess(server: ApiServer): Reconcile {
  const api = new CareenApi(clientOf(server));
  const world = new SimulatedWorld({});
  world.addHost({ name: 'w-1' });
  const log = { info: () => undefined, warn: () => undefined };
  const told = { log, events: { record: () => undefined }, metrics: operatorMetrics(now) };
  const deps = {
    ...{ api, hosts: new SimulatedHostOps(world), pools: poolsOn(server) },
    ledger: new PoolLedger({ store: api, markedHosts: async () => [] }),
    ...{
      adopted: new Map(),
      awaitingPermits: new Set<string>(),
      index: { note: () => undefined },
      refused: new Map(),
      operatorNamespace: 'careen-system',
      activeHost: undefined,
      tenants: NO_TENANTS,
      others: NO_OTHERS,
      downloads: NO_DOWNLOADS,
    },
    ...{ clock: now, newId: () => 'r-2', ...told },
    runs: new RunStore({ ...told, api, clock: now, parts: new PlanStages(clientOf(server)) }),
  };
  return strategyReconciler(deps, () => undefined);
}

/** The pools that this server has now, as the first list of the operator delivers them. */
export function poolsOn(server: ApiServer): Pools {
  const pools = new Pools({ moved: () => undefined });
  for (const object of server.list('hostpools')) pools.set(hostPool.parse(json(object)));
  return pools;
}

/** The operator's client for this server; `asked` is told each request. */
export function clientOf(server: ApiServer, asked: (request: Call) => void = () => undefined): KubeConfig {
  const transport = async (request: Call): Promise<Answer> => {
    asked(request);
    const [status, content] = answered(server, request);
    return {
      ...{ ok: status < 400, status, headers: [], body: null },
      json: async () => content,
      text: async () => JSON.stringify(content),
    };
  };
  return Object.assign(new KubeConfig(), { transport });
}

function answered(server: ApiServer, request: Call): [number, unknown] {
  try {
    return [200, carryOut(server, request, () => undefined, 'operator')];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [error.code, { code: error.code }];
  }
}

/** A new process makes one pass over the strategy. */
export async function pass(server: ApiServer): Promise<void> {
  await newProcess(server)(KEY, new AbortController().signal);
}
