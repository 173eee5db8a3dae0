/** One run of the benchmark: a control plane of its own, a fleet, the operator, a whole strategy. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { BatchV1Api, CoreV1Api, type KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { bundle } from '../../../scripts/image/bundle.ts';
import { hostPoolStatus } from '../../../src/crds/host-pool.ts';
import { strategyStatus, type StrategyStatus } from '../../../src/crds/observed/strategy-status.ts';
import { leftovers } from '../../e2e/invariants.ts';
import { accountOf } from '../../support/audit/audited-writes.ts';
import { apply, applyAs, read } from '../../support/controlplane/apply.ts';
import { connect, startControlPlane } from '../../support/controlplane/controlplane.ts';
import { eventually } from '../../support/eventually.ts';
import { startHostStandin } from '../../support/hosts/start-host-standin.ts';
import { writeProxiedKubeconfig } from '../../support/network/proxied.ts';
import { deployedContainer } from '../../support/operator/deployed.ts';
import { keepOperator, type KeptOperator } from '../../support/operator/kept-operator.ts';
import { readMetrics } from '../../support/operator/metrics.ts';
import { installCareen, writeOperatorKubeconfig } from '../../support/operator/operator.ts';
import { poolManifest } from '../../support/operator/strategies.ts';
import { auditInto, comparedUser, linesOf, OPERATOR, readAuditLog, type Logged } from './audit-log.ts';
import { compare, COMPARED, type Comparison } from './comparison.ts';
import { EtcdWrites, type Stored } from './etcd-writes.ts';
import { FaultLoad } from './faults.ts';
import type { Cost } from './figures.ts';
import {
  hostNames,
  hostOfPod,
  makeFinished,
  makeHosts,
  makePods,
  NAMESPACE,
  podNames,
  POOL,
  strategies,
} from './fleet.ts';
import { largeFleetArgs } from './large-fleet.ts';
import { CostMeter, eventLoopLagMs, passesIn, processCost, type Passes } from './operator-cost.ts';
import { meanOutage, outagesOf, type Outage } from './outage.ts';

/** On a crowded machine a host took less than two seconds. */
const RUN_SECONDS_PER_HOST = 10;
const POLL_MS = 1000;
/** As deployed: a leader is silent while the API server restarts. */
const LEASE_SECONDS = 15;
/** What is known while the API server is away. */
const AWAY: readonly StrategyStatus[] = [{}];
const FAILED = ['apply-failed', 'apply-timeout'];

export type Options = {
  readonly hosts: number;
  readonly podsPerHost: number;
  /** The hosts of the pool, with those that have the patch already. */
  readonly fleet: number;
  /** How many strategies of the pool run at once. */
  readonly strategies: number;
  /** How many strategies have ended before and are kept. */
  readonly finished: number;
  /** Requests fail or are slow, and the API server is restarted twice. */
  readonly faults: boolean;
  /** Whether the limit program and `kubectl drain` run after the strategy. */
  readonly compared: boolean;
};

export type ComparedCost = Comparison & Pick<Cost, 'requests' | 'storedBytes'>;

export type Measured = Cost & {
  /** From the approval to the end of the strategy. */
  readonly wallSeconds: number;
  /** From the start of the process until it leads and works. */
  readonly readySeconds: number;
  /** The longest time until then in which the event loop did not turn. */
  readonly startStallMs: number;
  readonly idleRssMiB: number;
  readonly eventLoopLagP99Ms: number;
  readonly leaseRequests: number;
  readonly fleet: number;
  readonly strategies: number;
  readonly finished: number;
  readonly passes: Passes;
  /** The mean of the hosts; undefined when the log has no whole outage, or more than one for a host. */
  readonly outage: Outage | undefined;
  readonly compared: readonly ComparedCost[];
  /** Under faults: what happened, and every invariant that did not hold. */
  readonly disturbed?: {
    readonly restartsOfApiServer: number;
    readonly startsOfOperator: number;
    readonly failedRequests: number;
    readonly complaints: readonly string[];
  };
};

/** Carries strategies out on a new cluster, and measures what the operator needs for them. Throws when one does not end `applied`. */
export async function measure(options: Options): Promise<Measured> {
  const { hosts, podsPerHost, fleet, faults } = options;
  const folder = await mkdtemp(join(tmpdir(), 'careen-scale-'));
  const closing: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const audit = await auditInto(folder, COMPARED);
    const plane = await startControlPlane({ args: [...audit.args, ...(await largeFleetArgs(folder))] });
    closing.push(() => plane.stop());
    const admin = connect(plane.kubeconfig);
    const all = hostNames(fleet);
    const [names, current] = [all.slice(0, hosts), all.slice(hosts)];
    await installCareen(admin);
    await makeHosts(admin, names, current);
    await makePods(admin, all, podsPerHost);
    const standin = await startHostStandin(admin, {
      patches: { 'kernel-6.12.48': { kernelVersion: '6.12.48' } },
    });
    closing.push(() => standin.stop());
    const load = faults ? await FaultLoad.start(plane, admin) : undefined;
    if (load) closing.push(() => load.proxy.close());
    const { operator, ...start } = await startOperatorOfImage(admin, folder, load?.proxy.url);
    closing.push(() => operator.stop());
    const held = strategies(options.strategies, 'Hold');
    await makeFinished(admin, options.finished);
    await apply(admin, ...held);
    const statuses = async (): Promise<StrategyStatus[]> =>
      (await Promise.all(held.map((each) => read(admin, each)))).map(statusOf);
    const arePlanned = async (): Promise<boolean> =>
      (await statuses()).every(({ state }) => state === 'ready-to-apply');
    await eventually('a plan', arePlanned, { seconds: 120 });

    const etcd = await EtcdWrites.start(plane.etcdPid);
    closing.push(() => etcd.close());
    const before = await processCost(operator.pid);
    // The lag is that since the last reading.
    const passesBefore = passesIn(await readMetrics(operator.address() ?? ''));
    load?.begin();
    const meter = new CostMeter();
    const approvedAt = Date.now();
    const [approval = ''] = await Promise.all(
      strategies(options.strategies, 'Run').map(async (each) =>
        revisionOf(await applyAs(admin, 'kubectl', each)),
      ),
    );
    await untilOver(statuses, 600 + hosts * RUN_SECONDS_PER_HOST * options.strategies, async (percent) => {
      await meter.sample(operator.pid);
      await load?.progressed(percent);
    });
    await untilSettled(etcd);
    await meter.sample(operator.pid);
    const metrics = await readMetrics(operator.address() ?? '');
    const until = Date.now();
    load?.proxy.reset();
    const startsOfOperator = operator.starts;
    const left = faults ? await leftBehind(admin) : [];
    await operator.stop();
    const comparisons = options.compared ? await compare(admin, folder, names, podsPerHost) : [];

    const log = await readAuditLog(audit.file, approvedAt);
    const own = log.filter(({ user, received }) => user === OPERATOR && received <= until);
    const outages = outagesOf(
      log.filter(({ received }) => received <= until),
      approvedAt,
      hostOfPod,
    );
    const { requests, leaseRequests } = countsOf(own);
    return {
      ...{ hosts, podsPerHost, fleet, strategies: options.strategies, finished: options.finished },
      ...{ requests, leaseRequests, ...start },
      passes: passesSince(passesBefore, passesIn(metrics)),
      wallSeconds: (endOf(own) - approvedAt) / 1000,
      storedBytes: storedBytes(etcd.stored, own, approval),
      cpuSeconds: meter.total.cpuSeconds - before.cpuSeconds,
      ...{ idleRssMiB: before.rssMiB, peakRssMiB: meter.total.peakRssMiB },
      eventLoopLagP99Ms: eventLoopLagMs(metrics.text),
      outage: outages.length > 0 && options.strategies === 1 ? meanOutage(outages) : undefined,
      compared: comparisons.map((each) => comparedCost(each, log, etcd.stored)),
      ...(load && {
        disturbed: {
          restartsOfApiServer: load.restarts,
          startsOfOperator,
          failedRequests: load.failed,
          complaints: [...left, ...(await complaintsIn(audit.file, names, podsPerHost))],
        },
      }),
    };
  } finally {
    for (const close of closing.toReversed()) await close();
  }
}

/** The operator as the image runs it, with the environment of the Deployment. */
async function startOperatorOfImage(
  admin: KubeConfig,
  folder: string,
  proxyUrl: string | undefined,
): Promise<Pick<Measured, 'readySeconds' | 'startStallMs'> & { readonly operator: KeptOperator }> {
  const [main, direct, behindProxy] = ['careen.mjs', 'operator', 'proxied'].map((name) => join(folder, name));
  if (main === undefined || direct === undefined || behindProxy === undefined) throw new Error('three names');
  await writeFile(main, (await bundle('src/main.ts')).code);
  await writeOperatorKubeconfig(admin, direct);
  if (proxyUrl !== undefined) await writeProxiedKubeconfig(connect(direct), proxyUrl, behindProxy);
  const { environment: deployed } = await deployedContainer();
  const environment = { ...deployed, CAREEN_LEASE_SECONDS: String(LEASE_SECONDS) };
  const startedAt = performance.now();
  const operator = keepOperator(proxyUrl === undefined ? direct : behindProxy, { main, environment });
  await operator.leads;
  const readySeconds = (performance.now() - startedAt) / 1000;
  const { value } = await readMetrics(operator.address() ?? '');
  return {
    operator,
    readySeconds,
    startStallMs: Math.round(value('nodejs_eventloop_lag_max_seconds') * 1000),
  };
}

/** Throws when a strategy does not end `applied`. `act` gets the progress of the slowest. */
async function untilOver(
  statuses: () => Promise<readonly StrategyStatus[]>,
  seconds: number,
  act: (percent: number) => Promise<void>,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const all = await statuses().catch(() => AWAY);
    const failed = all.find(({ state = '' }) => FAILED.includes(state));
    if (failed) throw new Error(`a strategy ended ${String(failed.state)}: ${String(failed.message)}`);
    if (all.every(({ state }) => state === 'applied')) return;
    if (Date.now() > deadline)
      throw new Error(
        `the strategies have not ended within ${String(seconds)} s: ${all.map(({ message }) => message).join('; ')}`,
      );
    await act(Math.min(...all.map(({ completionPercentage = 0 }) => completionPercentage)));
    await delay(POLL_MS);
  }
}

/** Until etcd stores nothing more of the run: its Jobs are removed, its events written. */
async function untilSettled(etcd: EtcdWrites): Promise<void> {
  const ours = (): number =>
    etcd.stored.filter(({ key }) => /^\/registry\/(careen|jobs|events)/.test(key)).length;
  for (let before = -1; before !== ours();) {
    before = ours();
    await delay(POLL_MS);
  }
}

function countsOf(log: readonly Logged[]): {
  readonly requests: Readonly<Record<string, number>>;
  readonly leaseRequests: number;
} {
  const rest = log.filter(({ resource }) => resource !== 'leases');
  const groups = Object.groupBy(rest, ({ verb, resource }) => `${verb} ${resource}`);
  const requests = Object.fromEntries(Object.entries(groups).map(([name, all = []]) => [name, all.length]));
  return { requests, leaseRequests: log.length - rest.length };
}

/**
 * The values that etcd stored for these requests. The operator alone writes our kinds after the approval; other objects
 * are found by the revision in the answer. What an eviction changes in pod and budget is not among them.
 */
function storedBytes(stored: readonly Stored[], log: readonly Logged[], after: string): number {
  const revisions = new Set(
    log
      .filter(({ verb, code, resource }) => WRITES.includes(verb) && code < 300 && resource !== 'leases')
      .map(({ revision }) => revision),
  );
  return stored
    .filter(({ revision }) => BigInt(revision) > BigInt(after))
    .filter(({ key, revision }) => key.startsWith('/registry/careen.dev/') || revisions.has(revision))
    .reduce((sum, { bytes }) => sum + bytes, 0);
}
const WRITES = ['create', 'update', 'patch'];

function comparedCost(
  comparison: Comparison,
  log: readonly Logged[],
  stored: readonly Stored[],
): ComparedCost {
  const own = log.filter(({ user }) => user === comparedUser(comparison.program));
  const revisions = new Set(own.filter(({ verb }) => WRITES.includes(verb)).map(({ revision }) => revision));
  const bytes = stored.filter(({ revision }) => revisions.has(revision)).map((each) => each.bytes);
  return {
    ...comparison,
    requests: countsOf(own).requests,
    storedBytes: bytes.reduce((sum, each) => sum + each, 0),
  };
}

/** Those of one process: after a restart of the operator they are counted anew. */
function passesSince(before: Passes, now: Passes): Passes {
  return now.count < before.count
    ? now
    : { count: now.count - before.count, seconds: now.seconds - before.seconds };
}

const ending = z.object({ status: z.object({ state: z.literal('applied') }) });

function endOf(log: readonly Logged[]): number {
  const end = log.findLast(
    ({ resource, body }) => resource === 'patchstrategies/status' && ending.safeParse(body).success,
  );
  return (end ?? log.at(-1))?.answered ?? 0;
}

async function leftBehind(admin: KubeConfig): Promise<string[]> {
  const { items: nodes } = await admin.makeApiClient(CoreV1Api).listNode();
  const { items: jobs } = await admin.makeApiClient(BatchV1Api).listNamespacedJob({ namespace: NAMESPACE });
  const pool = z
    .looseObject({ status: hostPoolStatus.default({}) })
    .parse(await read(admin, poolManifest(POOL, 1)));
  return leftovers(nodes, pool.status, jobs);
}

async function complaintsIn(
  file: string,
  hosts: readonly string[],
  podsPerHost: number,
): Promise<readonly string[]> {
  const own: string[] = [];
  for await (const line of linesOf(file)) if (line.includes(`"username":"${OPERATOR}"`)) own.push(line);
  return accountOf(own, { pool: POOL, hosts }, podNames(hosts, podsPerHost)).complaints;
}

function statusOf(object: unknown): StrategyStatus {
  return z.looseObject({ status: strategyStatus.default({}) }).parse(object).status;
}

function revisionOf(object: unknown): string {
  return z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) }).parse(object).metadata
    .resourceVersion;
}
