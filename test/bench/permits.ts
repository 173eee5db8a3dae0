/**
 * Measures the cost of permits in one pool's status when two operators believe
 * that they lead. On a real API server, 10 runs in two processes take and release
 * 50 permits each, as fast as they get them, with 500 other permits in the pool.
 * Measures other ways to keep permits too. Each way has a minute. Asserts nothing.
 *
 *     node test/bench/permits.ts [OUTAGES]
 *
 * Bytes are all that the processes sent and received, TLS included: reads, writes,
 * refused writes, and the watch of the pools.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { CareenApi } from '../../src/resources/careen-api.ts';
import { withPermits } from '../../src/engine/permits/permits.ts';
import type { Permit } from '../../src/crds/host-pool.ts';
import { call, rawList } from '../../src/kube/client.ts';
import { apply, read, remove } from '../support/controlplane/apply.ts';
import { connect, startControlPlane } from '../support/controlplane/controlplane.ts';
import { EventProcess } from '../support/event-process.ts';
import { installCareen } from '../support/operator/operator.ts';
import { writeProxiedKubeconfig } from '../support/network/proxied.ts';
import { poolManifest } from '../support/operator/strategies.ts';
import { TcpProxy } from '../support/network/tcp-proxy.ts';
import { createSlot, LIMIT, POOL, SLOTS_PATH, type Variant } from './permit-stores.ts';

const STANDING = 500;
const RUNS = 10;
const STILL_MILLISECONDS = 500;
const outages = Number(process.argv[2] ?? 50);
const VARIANTS: readonly Variant[] = [
  { store: 'plain', lingerMilliseconds: 0, processes: 2 },
  { store: 'ledger', lingerMilliseconds: 0, processes: 2 },
  { store: 'ledger', lingerMilliseconds: 10, processes: 2 },
  { store: 'ledger', lingerMilliseconds: 25, processes: 2 },
  { store: 'slots', lingerMilliseconds: 0, processes: 2 },
  { store: 'ledger', lingerMilliseconds: 0, processes: 1 },
  { store: 'ledger', lingerMilliseconds: 25, processes: 1 },
];

const countsSchema = z.object({
  reads: z.int(),
  writes: z.int(),
  conflicts: z.int(),
  watchEvents: z.int(),
  grantMilliseconds: z.array(z.number()),
});
type Counts = z.infer<typeof countsSchema>;
const objectSchema = z.looseObject({
  metadata: z.looseObject({ managedFields: z.unknown() }),
  status: z.unknown().optional(),
});

const runIds = ids(RUNS);
const runIdsOfOthers = ids(RUNS);

const folder = await mkdtemp(join(tmpdir(), 'careen-bench-'));
const plane = await startControlPlane({ args: ['--controller-manager=false', '--scheduler=false'] });
try {
  const admin = connect(plane.kubeconfig);
  await installCareen(admin);
  const results = [];
  for (const variant of VARIANTS) {
    const result = await measure(admin, variant);
    console.error(result);
    results.push(result);
  }
  const columns = Object.keys(results[0] ?? {});
  console.log(`| ${columns.join(' | ')} |`);
  console.log(`| ${columns.map(() => '---').join(' | ')} |`);
  for (const result of results) console.log(`| ${Object.values(result).join(' | ')} |`);
  const benchmark = { benchmark: 'permits', standing: STANDING, outagesOfRun: outages, runs: runIds.length };
  console.log(JSON.stringify({ ...benchmark, results }));
} finally {
  await plane.stop();
  await rm(folder, { recursive: true, force: true });
}

async function measure(admin: KubeConfig, variant: Variant): Promise<Record<string, string | number>> {
  await prepare(admin, variant);
  const half = RUNS / 2;
  const shares = variant.processes === 1 ? [runIds] : [runIds.slice(0, half), runIds.slice(half)];
  const processes = await Promise.all(shares.map(async (runs) => begin(admin, variant, runs)));
  const proxies = processes.map(({ proxy }) => proxy);
  const before = bytesOf(proxies);
  const startedAt = performance.now();
  const counts = await Promise.all(processes.map(async ({ child }) => carryOut(child)));
  const seconds = (performance.now() - startedAt) / 1000;
  const bytes = (await stillBytes(proxies)) - before;
  const sizes = await sizesOf(admin);
  for (const { child } of processes) await child.stop();
  for (const proxy of proxies) await proxy.close();
  await cleanUp(admin);
  return { ...summary(variant, counts, seconds, bytes), ...sizes };
}

function summary(
  { store, lingerMilliseconds, processes }: Variant,
  counts: readonly Counts[],
  seconds: number,
  bytes: number,
): Record<string, string | number> {
  const sum = (pick: (counts: Counts) => number): number =>
    counts.reduce((total, each) => total + pick(each), 0);
  const done = sum((each) => each.grantMilliseconds.length);
  const perOutage = (total: number): number => Number((total / done).toFixed(2));
  const writes = sum((each) => each.writes);
  const latencies = counts.flatMap(({ grantMilliseconds }) => grantMilliseconds).toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(latencies[Math.floor(share * (latencies.length - 1))] ?? 0);
  return {
    store: store === 'ledger' ? `ledger, linger ${String(lingerMilliseconds)} ms` : store,
    processes,
    grants: done,
    'grants/s': Number((done / seconds).toFixed(1)),
    'conflicts %': Number(((100 * sum((each) => each.conflicts)) / writes).toFixed(1)),
    'KiB/outage': Number((bytes / 1024 / done).toFixed(1)),
    'grant ms, median': at(0.5),
    'grant ms, p99': at(0.99),
    'writes/outage': perOutage(writes),
    'reads/outage': perOutage(sum((each) => each.reads)),
    'watch events/outage': perOutage(sum((each) => each.watchEvents)),
  };
}

function ids(count: number): string[] {
  return Array.from({ length: count }, () => crypto.randomUUID());
}

/** Makes the pool, and the permits that exist before the measurement. */
async function prepare(admin: KubeConfig, { store }: Variant): Promise<void> {
  await apply(admin, poolManifest(POOL, LIMIT));
  const standing = Array.from({ length: STANDING }, (_, i): Permit => ({
    host: `worker-${String(i).padStart(5, '0')}.rack-${String(i % 20)}.example.com`,
    run: runIdsOfOthers[i % runIdsOfOthers.length] ?? '',
    level: 'away',
    since: new Date().toISOString(),
  }));
  if (store === 'slots') {
    for (const [i, { host, run }] of standing.entries()) await createSlot(admin, i, run, host);
    return;
  }
  const api = new CareenApi(admin);
  const pool = await api.pool(POOL);
  if (!pool) throw new Error(`HostPool ${POOL} was not made`);
  const runs = runIdsOfOthers.map((id) => ({
    id,
    owner: { kind: 'PatchStrategy', namespace: 'careen-hosts', name: id, uid: id },
  }));
  await api.writePool(pool, withPermits({ epoch: 1, runs }, standing));
}

async function cleanUp(admin: KubeConfig): Promise<void> {
  await remove(admin, poolManifest(POOL, LIMIT));
  for (const { metadata } of await rawList(admin, SLOTS_PATH, {}))
    await call(admin, { method: 'DELETE', path: `${SLOTS_PATH}/${metadata?.name ?? ''}` });
}

type Measured = { readonly proxy: TcpProxy; readonly child: EventProcess };

/** Starts a process that reaches the API server through a proxy of its own, and waits until it is ready. */
async function begin(admin: KubeConfig, variant: Variant, runs: readonly string[]): Promise<Measured> {
  const proxy = await TcpProxy.start(plane.server);
  const kubeconfig = join(folder, `${String(proxy.port)}.kubeconfig`);
  await writeProxiedKubeconfig(admin, `https://127.0.0.1:${String(proxy.port)}`, kubeconfig);
  const script = join(import.meta.dirname, 'permit-process.ts');
  const child = new EventProcess(process.execPath, [
    script,
    kubeconfig,
    JSON.stringify(variant),
    String(outages),
    ...runs,
  ]);
  await child.event(({ event }) => event === 'ready');
  return { proxy, child };
}

async function carryOut(child: EventProcess): Promise<Counts> {
  const done = child.event(({ event }) => event === 'done');
  child.send('go');
  return countsSchema.parse(await done);
}

function bytesOf(proxies: readonly TcpProxy[]): number {
  return proxies.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** All bytes after the traffic has stopped: the events of the watches arrive a little later. */
async function stillBytes(proxies: readonly TcpProxy[]): Promise<number> {
  for (;;) {
    const before = bytesOf(proxies);
    await delay(STILL_MILLISECONDS);
    if (bytesOf(proxies) === before) return before;
  }
}

/** The size of the pool as JSON, the form in which etcd stores it. */
async function sizesOf(admin: KubeConfig): Promise<Record<string, number>> {
  const pool = objectSchema.parse(await read(admin, poolManifest(POOL, LIMIT)));
  const kib = (part: unknown): number =>
    Number((Buffer.byteLength(JSON.stringify(part ?? null)) / 1024).toFixed(1));
  return {
    'pool KiB': kib(pool),
    'status KiB': kib(pool.status),
    'managedFields KiB': kib(pool.metadata.managedFields),
  };
}
