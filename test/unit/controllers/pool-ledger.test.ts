import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_CONTROLLERS } from '../../../src/engine/view.ts';
import { ConflictError } from '../../../src/kube/errors.ts';
import type { HostPool } from '../../../src/resources/careen-api.ts';
import { settlePermits } from '../../../src/engine/permits/permits.ts';
import { PoolLedger, type PoolStore } from '../../../src/controllers/pool/pool-ledger.ts';
import { poolPatch } from '../../../src/resources/pool-patch.ts';
import { DeposedError, epochState, takenOver } from '../../../src/engine/permits/takeover.ts';
import { hostPoolSpec, type HostPoolStatus, type Permit } from '../../../src/crds/host-pool.ts';
import type { MarkedHost } from '../../../src/hostops/port.ts';
import { ownerNamed } from '../support/owners.ts';

const NOW = '2026-11-25T09:00:00Z';
const permit = (host: string, run = 'r1'): Permit => ({ host, run, level: 'away', since: NOW });

/** One pool in memory that refuses a write based on an old read, like the API server. */
class MemoryStore implements PoolStore {
  status: HostPoolStatus;
  version = 1;
  writes = 0;
  /** Called before each write: a change by somebody else at that moment. */
  meanwhile: (store: MemoryStore) => void = () => undefined;

  constructor(status: HostPoolStatus) {
    this.status = status;
  }

  async pool(name: string): Promise<HostPool | undefined> {
    const common = { namespace: '', annotations: {}, finalizers: [], generation: 1, creationTimestamp: NOW };
    return {
      metadata: { ...common, name, uid: 'pool-1', resourceVersion: String(this.version) },
      spec: hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 2 }),
      status: this.status,
    };
  }

  async writePool({ metadata }: HostPool, status: HostPoolStatus): Promise<void> {
    this.meanwhile(this);
    if (metadata.resourceVersion !== String(this.version)) throw new ConflictError('the pool changed');
    this.write(status);
  }

  write(status: HostPoolStatus): void {
    this.status = status;
    this.version += 1;
    this.writes += 1;
  }
}

/** Records the begin and end of each write. */
class SlowStore extends MemoryStore {
  static readonly milliseconds = 30;
  readonly spans: { begun: number; ended: number }[] = [];
  #begun = 0;

  override async pool(name: string): Promise<HostPool | undefined> {
    this.#begun = performance.now();
    return super.pool(name);
  }

  override async writePool(pool: HostPool, status: HostPoolStatus): Promise<void> {
    await delay(SlowStore.milliseconds);
    await super.writePool(pool, status);
    this.spans.push({ begun: this.#begun, ended: performance.now() });
  }
}

const ledgerOf = (store: PoolStore, marked: readonly MarkedHost[] = []): PoolLedger =>
  new PoolLedger({ store, markedHosts: async () => marked });

async function grant(ledger: PoolLedger, run: string, hosts: string[]): Promise<string[]> {
  const facts = await ledger.update('default', (status) => {
    const wish = { run, owner: ownerNamed(run), wants: { hosts, level: 'away' as const }, exactly: false };
    const pool = {
      limit: 2,
      outOfServiceByOthers: new Set<string>(),
      claimedAway: new Set<string>(),
      closedByRuns: new Map(),
      controllers: NO_CONTROLLERS,
      closedBecause: undefined,
    };
    const { status: after, facts: result } = settlePermits(status, wish, pool, NOW);
    return { status: after, result };
  });
  return [...(facts?.held.keys() ?? [])];
}

describe('the ledger of a pool', () => {
  it('raises the epoch before its first change, once', async () => {
    const store = new MemoryStore({ epoch: 4 });
    const ledger = ledgerOf(store);
    await grant(ledger, 'r1', ['a']);
    expect(store.status).toMatchObject({ epoch: 5, permits: [{ host: 'a' }] });
    await grant(ledger, 'r2', ['b']);
    expect(store.status.epoch).toBe(5);
  });

  it('grants concurrent requests in few writes, and never beyond the limit', async () => {
    const store = new MemoryStore({ epoch: 1 });
    const ledger = ledgerOf(store);
    const held = await Promise.all(['r1', 'r2', 'r3', 'r4'].map((run) => grant(ledger, run, [run])));
    expect(held.flat()).toHaveLength(2);
    expect(store.writes).toBe(1);
  });

  it('decides again on a fresh read when somebody else wrote in between', async () => {
    const store = new MemoryStore({ epoch: 1 });
    const ledger = ledgerOf(store);
    await grant(ledger, 'r1', ['a']);
    store.meanwhile = () => {
      store.meanwhile = () => undefined;
      store.write({ ...store.status, permits: [permit('x', 'other'), permit('y', 'other')] });
    };
    expect(await grant(ledger, 'r1', ['a'])).toEqual(['a']);
    expect(await grant(ledger, 'r2', ['b'])).toEqual([]);
  });

  it('refuses to decide once another leader has raised the epoch', async () => {
    const store = new MemoryStore({ epoch: 1 });
    const first = ledgerOf(store);
    await grant(first, 'r1', ['a']);
    const second = ledgerOf(store);
    await grant(second, 'r2', ['b']);
    await expect(grant(first, 'r1', ['c'])).rejects.toThrow(DeposedError);
    expect(store.status.permits?.map(({ host }) => host)).toEqual(['a', 'b']);
  });

  it('raises its epoch above a restored higher one, unless another leader has raised it', async () => {
    const store = new MemoryStore({ epoch: 1 });
    const first = ledgerOf(store);
    await grant(first, 'r1', ['a']);
    expect(await first.raiseAbove('default', 7)).toBe(8);
    expect(await first.raiseAbove('default', 5)).toBe(8);
    expect(store.status).toMatchObject({ epoch: 8, permits: [{ host: 'a' }] });
    await grant(ledgerOf(store), 'r2', ['b']);
    await expect(first.raiseAbove('default', 8)).rejects.toThrow(DeposedError);
    expect(store.status.epoch).toBe(9);
  });

  it('leaves the pool to others for three times the duration of a write', async () => {
    const store = new SlowStore({ epoch: 1 });
    const ledger = ledgerOf(store);
    await grant(ledger, 'r1', ['a']);
    await grant(ledger, 'r2', ['b']);
    const [first, second] = store.spans;
    if (!first || !second) throw new Error(`two writes were expected: ${JSON.stringify(store.spans)}`);
    // Less a tolerance for early timers.
    expect(second.begun - first.ended).toBeGreaterThan(2.8 * SlowStore.milliseconds);
  });

  it('reports a permit only when it was stored', async () => {
    const store = new MemoryStore({ epoch: 1 });
    const ledger = ledgerOf(store);
    store.meanwhile = () => (store.version += 1);
    await expect(grant(ledger, 'r1', ['a'])).rejects.toThrow(ConflictError);
    store.meanwhile = () => undefined;
    expect(await grant(ledger, 'r1', ['a'])).toEqual(['a']);
  });

  it('tells of the pool as it was stored, and of none that was not', async () => {
    const store = new MemoryStore({ epoch: 1 });
    const told: (readonly string[] | undefined)[] = [];
    const stored = ({ status }: HostPool): void => void told.push(status.permits?.map(({ host }) => host));
    const ledger = new PoolLedger({ store, markedHosts: () => Promise.resolve([]), stored });
    store.meanwhile = () => (store.version += 1);
    await expect(grant(ledger, 'r1', ['a'])).rejects.toThrow(ConflictError);
    store.meanwhile = () => undefined;
    await grant(ledger, 'r1', ['a']);
    await ledger.update('default', (status) => ({ status: { ...status, permits: [] }, result: undefined }));
    expect(told).toEqual([['a'], []]);
  });
});

describe('a takeover', () => {
  const marked = (host: string, run: string, epoch: number): MarkedHost => ({
    ...{ host, revision: '1', spoiltClaim: undefined, closedToNewWork: true, leftLocked: false },
    ...{ busy: false, begun: false },
    claim: {
      ...{
        run,
        pool: 'default',
        epoch,
        planDigest: 'd',
        stage: 0,
        level: 'away',
        closedToNewWorkBefore: false,
        since: NOW,
      },
      owner: ownerNamed(run),
    },
  });

  it('keeps the permits of an intact status', () => {
    const status = { epoch: 3, permits: [permit('a')] };
    expect(takenOver(status, [marked('a', 'r1', 3), marked('b', 'r1', 3)], undefined)).toEqual({
      status: { epoch: 4, permits: [permit('a')] },
      rebuilt: false,
    });
  });

  it('rebuilds the permits of a wiped or restored status from the claims, above every known epoch', () => {
    const claims = [marked('a', 'r1', 6), marked('b', 'r2', 7)];
    for (const status of [{}, { epoch: 2, permits: [permit('z')] }]) {
      expect(takenOver(status, claims, undefined)).toMatchObject({
        status: {
          epoch: 8,
          away: 2,
          permits: [
            { host: 'a', run: 'r1' },
            { host: 'b', run: 'r2' },
          ],
          runs: [
            { id: 'r1', owner: ownerNamed('r1') },
            { id: 'r2', owner: ownerNamed('r2') },
          ],
        },
        rebuilt: true,
      });
    }
    // A claim of the highest epoch there is would leave no number for the next leader.
    expect(takenOver({ epoch: 3 }, [marked('a', 'r1', 2 ** 31 - 1)], 3)).toEqual({
      status: { epoch: 4 },
      rebuilt: false,
    });
    expect(takenOver({}, [], 5)).toMatchObject({ status: { epoch: 6, permits: [] }, rebuilt: true });
  });

  it('decides by the epoch who leads', () => {
    expect(epochState('p', {}, undefined)).toBe('wiped');
    expect(epochState('p', { epoch: 3 }, undefined)).toBe('not raised');
    expect(epochState('p', { epoch: 3 }, 3)).toBe('ours');
    expect(epochState('p', { epoch: 2 }, 3)).toBe('wiped');
    expect(() => epochState('p', { epoch: 4 }, 3)).toThrow(/raised the epoch of HostPool p from 3 to 4/);
  });
});

describe('the patch of a pool', () => {
  const guard = { uid: 'u', resourceVersion: '7' };

  it('carries its precondition, and only the added and removed permits', () => {
    const before = { epoch: 1, permits: [permit('a'), permit('b'), permit('c')] };
    const after = { epoch: 1, permits: [permit('b'), permit('d')] };
    expect(poolPatch(guard, before, after)).toEqual([
      { op: 'test', path: '/metadata/uid', value: 'u' },
      { op: 'replace', path: '/metadata/resourceVersion', value: '7' },
      { op: 'test', path: '/status/permits/2/host', value: 'c' },
      { op: 'remove', path: '/status/permits/2' },
      { op: 'test', path: '/status/permits/0/host', value: 'a' },
      { op: 'remove', path: '/status/permits/0' },
      { op: 'add', path: '/status/permits/-', value: permit('d') },
    ]);
  });

  it('turns any status into any other', () => {
    const permits = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 5 });
    const status = fc.record(
      {
        epoch: fc.integer({ min: 1, max: 3 }),
        away: fc.integer(),
        permits: permits.map((all) => all.map((host) => permit(host))),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(status, status, (before, after) => {
        const patched = applied(before, poolPatch(guard, before, after));
        const sorted = ({ permits: all, ...rest }: HostPoolStatus) => ({
          ...rest,
          permits: (all ?? []).map(({ host }) => host).toSorted(),
        });
        expect(sorted(patched)).toEqual(sorted(after));
      }),
    );
  });
});

/** Applies such a patch like an API server (RFC 6902), the part in use here. */
function applied(before: HostPoolStatus, patch: ReturnType<typeof poolPatch>): HostPoolStatus {
  const status: Record<string, unknown> = structuredClone(before);
  for (const { op, path, value } of patch) {
    const [, , field, place] = path.split('/');
    if (path === '/status') Object.assign(status, value);
    else if (op === 'test' || path.startsWith('/metadata') || field === undefined) continue;
    else if (place === undefined && op === 'remove') Reflect.deleteProperty(status, field);
    else if (place === undefined) status[field] = value;
    else if (Array.isArray(status[field])) {
      if (op === 'remove') status[field].splice(Number(place), 1);
      else status[field].push(value);
    }
  }
  return status;
}
