import { describe, expect, it } from 'vitest';
import { CareenApi } from '../../../src/resources/careen-api.ts';
import { operatorMetrics } from '../../../src/controllers/runtime/operator-metrics.ts';
import { PoolLedger } from '../../../src/controllers/pool/pool-ledger.ts';
import { Pools } from '../../../src/controllers/pool/pools.ts';
import { patchStrategyReconciler } from '../../../src/controllers/strategy/reconcile-patch-strategy.ts';
import { statusOfRun } from '../../../src/status/codec.ts';
import { hostPoolStatus } from '../../../src/crds/host-pool.ts';
import { API_VERSION } from '../../../src/crds/names.ts';
import type { StrategyState } from '../../../src/crds/vocabulary.ts';
import { newRun } from '../../../src/engine/run-state.ts';
import { SimulatedHostOps } from '../../../src/hostops/simulated/simulated-host-ops.ts';
import { SimulatedWorld } from '../../../src/hostops/simulated/simulated-world.ts';
import { specDigest } from '../../../src/planner/digest.ts';
import type { Stage } from '../../../src/planner/plan.ts';
import { ApiServer } from '../../simulation/world/api-server.ts';
import { ownerOfKey } from '../../../src/crds/owner-ref.ts';
import { strategySpec } from '../support/simulated-run.ts';
import { clientOf, json } from '../support/small-cluster.ts';

const KEY = 'PatchStrategy/careen-hosts/kernel';
const TIME = '2026-11-25T09:00:00.000Z';
const now = (): number => Date.parse(TIME);

/** A run in this state that has no host, and still has a permit for w-1. */
function serverWith(state: StrategyState, poolRef: string): ApiServer {
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
  const run = { ...newRun('r-1', { digest: 'd', stages: [stage], actions: spec }), state };
  const status = statusOfRun({ run: record }, run, { reasons: [] }, 1, TIME);
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

/** A new process makes one pass over the strategy. */
async function pass(server: ApiServer): Promise<void> {
  const api = new CareenApi(clientOf(server));
  const world = new SimulatedWorld({});
  world.addHost({ name: 'w-1' });
  const deps = {
    ...{ api, hosts: new SimulatedHostOps(world), pools: new Pools(() => undefined) },
    ledger: new PoolLedger({ store: api, markedHosts: async () => [] }),
    ...{ adopted: new Map(), operatorNamespace: 'careen-system', activeHost: undefined },
    ...{ clock: now, newId: () => 'r-2' },
    log: { info: () => undefined, warn: () => undefined },
    ...{ events: { record: () => undefined }, metrics: operatorMetrics(now) },
  };
  const reconcile = patchStrategyReconciler(deps, () => undefined);
  await reconcile(KEY, new AbortController().signal);
}

function permitsIn(server: ApiServer): readonly string[] {
  const { permits = [] } = hostPoolStatus.parse(server.get('hostpools', 'held')?.status);
  return permits.map(({ host, run }) => `${host}: ${run}`);
}

describe('a permit left by a run without hosts', () => {
  it.each(['applied', 'apply-failed', 'apply-timeout', 'aborted'] as const)(
    'is freed by the next pass when the process died before it freed it: %s',
    async (state) => {
      const server = serverWith(state, 'held');
      expect(permitsIn(server)).toEqual(['w-1: r-1']);
      await pass(server);
      expect(permitsIn(server)).toEqual([]);
    },
  );

  it.each(['ready-to-apply', 'apply-failed', 'apply-timeout'] as const)(
    'is freed when the strategy moved to a missing pool before its status said so: %s',
    async (state) => {
      const server = serverWith(state, 'elsewhere');
      await pass(server);
      expect(permitsIn(server)).toEqual([]);
    },
  );
});
