/** The ways to keep permits that test/bench/permits.ts compares. */
import { NO_CONTROLLERS } from '../../src/engine/view.ts';
import { ApiException, type KubeConfig } from '@kubernetes/client-node';
import { setTimeout as delay } from 'node:timers/promises';
import { ConflictError } from '../../src/kube/errors.ts';
import { CareenApi, parsePool } from '../../src/resources/careen-api.ts';
import { POOLS_PATH } from '../../src/resources/paths.ts';
import type { HostPool } from '../../src/resources/careen-api.ts';
import { settlePermits, type DesiredPermits } from '../../src/engine/permits/permits.ts';
import { PoolLedger, type PoolStore } from '../../src/controllers/pool/pool-ledger.ts';
import type { HostPoolStatus } from '../../src/crds/host-pool.ts';
import { call, FIELD_MANAGER, rawList } from '../../src/kube/client.ts';

export const POOL = 'measured';
export const SLOTS_PATH = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
/** How many hosts may be away: enough for all, so that a run waits only because of conflicts. */
export const LIMIT = 1_000;

const PAUSE_MILLISECONDS = 10;
const LAST_DOUBLING = 5;
const CONFLICT = 409;

export type Variant = {
  readonly store: 'plain' | 'ledger' | 'slots';
  /** For the ledger: how long it collects changes before a write. */
  readonly lingerMilliseconds: number;
  /** How many processes believe that they lead. */
  readonly processes: 1 | 2;
};

/** Takes and releases the permit for a host, one host at a time for each run. Both calls retry until they succeed. */
export type PermitStore = {
  /** Reads the pool, as each pass of an operator does before it decides anything. */
  readPool(): Promise<unknown>;
  take(run: string, host: string): Promise<void>;
  releaseHealthyHosts(run: string, host: string): Promise<void>;
};

export async function permitStore(
  { store, lingerMilliseconds }: Variant,
  config: KubeConfig,
): Promise<PermitStore> {
  const api = new CareenApi(config);
  switch (store) {
    case 'plain':
      return {
        readPool: () => readWhole(config),
        ...changes((wish) => settlePlainly(config, wish)),
      };
    case 'ledger': {
      const ledger = new PoolLedger({
        store: new OwnEpoch(api),
        markedHosts: async () => [],
        lingerMilliseconds,
      });
      return {
        readPool: () => api.pool(POOL),
        ...changes((wish) => settleInLedger(ledger, wish)),
      };
    }
    case 'slots': {
      const slots = await Slots.read(config);
      return {
        readPool: () => api.pool(POOL),
        take: (run, host) => slots.take(run, host),
        releaseHealthyHosts: (run, host) => slots.releaseHealthyHosts(run, host),
      };
    }
  }
}

function changes(
  settle: (wish: DesiredPermits) => Promise<void>,
): Pick<PermitStore, 'take' | 'releaseHealthyHosts'> {
  const settled = async (run: string, hosts: readonly string[]): Promise<void> =>
    settle({
      run,
      owner: { kind: 'PatchStrategy', namespace: 'careen-hosts', name: run, uid: run },
      wants: { hosts, level: 'away' },
      exactly: true,
    });
  return { take: (run, host) => settled(run, [host]), releaseHealthyHosts: (run) => settled(run, []) };
}

function decide(before: HostPoolStatus, wish: DesiredPermits): HostPoolStatus {
  const nobody = new Set<string>();
  const hosts = { outOfServiceByOthers: nobody, claimedAway: nobody, closedByRuns: new Map() };
  const pool = { limit: LIMIT, ...hosts, controllers: NO_CONTROLLERS, closedBecause: undefined };
  const { status, facts } = settlePermits(before, wish, pool, new Date().toISOString());
  if (facts.refusal !== undefined) throw new Error(`the benchmark is wrong: ${facts.refusal}`);
  return status;
}

/** The way of Careen before the ledger: each change alone reads the whole pool and writes all permits. */
async function settlePlainly(config: KubeConfig, wish: DesiredPermits): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    const { metadata, status } = await readWhole(config);
    const { uid, resourceVersion } = metadata;
    const body = { metadata: { uid, resourceVersion }, status: decide(status, wish) };
    const path = `${POOLS_PATH}/${POOL}/status`;
    const write = { method: 'PATCH', path, query: { fieldManager: FIELD_MANAGER }, body } as const;
    if (await succeeds(call(config, write))) return;
    await delay(Math.random() * PAUSE_MILLISECONDS * 2 ** Math.min(tried, LAST_DOUBLING));
  }
}

async function readWhole(config: KubeConfig): Promise<HostPool> {
  const pool = parsePool(await call(config, { method: 'GET', path: `${POOLS_PATH}/${POOL}` }));
  if (!pool) throw new Error(`HostPool ${POOL} cannot be read`);
  return pool;
}

async function settleInLedger(ledger: PoolLedger, wish: DesiredPermits): Promise<void> {
  for (;;) {
    try {
      await ledger.update(POOL, (status) => ({ status: decide(status, wish), result: undefined }));
      return;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}

/** Makes a process believe that it leads although another process leads: it reads its own epoch from the pool. */
class OwnEpoch implements PoolStore {
  readonly #store: PoolStore;
  #epoch: number | undefined;

  constructor(store: PoolStore) {
    this.#store = store;
  }

  async pool(name: string): Promise<HostPool | undefined> {
    const pool = await this.#store.pool(name);
    if (!pool || this.#epoch === undefined) return pool;
    return { ...pool, status: { ...pool.status, epoch: this.#epoch } };
  }

  async writePool(pool: HostPool, status: HostPoolStatus): Promise<void> {
    await this.#store.writePool(pool, status);
    this.#epoch = status.epoch;
  }
}

/** One object for each permit, here a Lease of about that size. The set of taken slots is read once, then kept. */
class Slots {
  readonly #config: KubeConfig;
  readonly #free: Set<number>;
  readonly #held = new Map<string, number>();

  private constructor(config: KubeConfig, free: Set<number>) {
    this.#config = config;
    this.#free = free;
  }

  static async read(config: KubeConfig): Promise<Slots> {
    const leases = await rawList(config, SLOTS_PATH, {});
    const taken = new Set(leases.map(({ metadata }) => metadata?.name));
    const slots = Array.from({ length: LIMIT }, (_, slot) => slot);
    return new Slots(config, new Set(slots.filter((slot) => !taken.has(slotName(slot)))));
  }

  async take(run: string, host: string): Promise<void> {
    for (;;) {
      const slot = [...this.#free][Math.floor(Math.random() * this.#free.size)];
      if (slot === undefined) throw new Error(`the benchmark is wrong: all ${String(LIMIT)} slots are taken`);
      this.#free.delete(slot);
      if (!(await succeeds(createSlot(this.#config, slot, run, host)))) continue;
      this.#held.set(`${run}/${host}`, slot);
      return;
    }
  }

  async releaseHealthyHosts(run: string, host: string): Promise<void> {
    const slot = this.#held.get(`${run}/${host}`);
    if (slot === undefined) throw new Error(`the benchmark is wrong: run ${run} holds no slot for ${host}`);
    await call(this.#config, { method: 'DELETE', path: `${SLOTS_PATH}/${slotName(slot)}` });
    this.#held.delete(`${run}/${host}`);
    this.#free.add(slot);
  }
}

export function createSlot(config: KubeConfig, slot: number, run: string, host: string): Promise<unknown> {
  const body = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: slotName(slot), labels: { 'careen.dev/pool': POOL, 'careen.dev/run': run } },
    spec: { holderIdentity: host, acquireTime: `${new Date().toISOString().slice(0, -1)}000Z` },
  };
  return call(config, { method: 'POST', path: SLOTS_PATH, query: { fieldManager: FIELD_MANAGER }, body });
}

function slotName(slot: number): string {
  return `${POOL}-slot-${String(slot)}`;
}

/** Returns whether the write succeeded; false when another writer was first. */
async function succeeds(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ApiException && error.code === CONFLICT) return false;
    throw error;
  }
}
