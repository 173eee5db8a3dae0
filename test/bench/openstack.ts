/**
 * Measures strategies on compute hosts: a real Nova with simulated hypervisors, and the operator's own process. Servers
 * move live, each for some seconds. Hosts one after another, one server at a time, are compared with five hosts at once,
 * with one server at a time from each (the limit of Nova by default) and with four.
 *
 *     node test/bench/openstack.ts [HOSTS] [SERVERS]     (20 hosts, 200 servers)
 *
 * Requests are all that Nova answered during a run: nobody but Careen asks it then. Those about servers and their
 * migrations are counted by move, since a server may move more than once: hosts that are still to come take it in. Those
 * about hosts (services, aggregates, hypervisors, groups) are counted by host.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Admin } from '../support/openstack/admin.ts';
import { migrationRecords, mostFromOneHost, type MigrationRecord } from '../support/openstack/observer.ts';
import { OperatedCloud } from '../support/openstack/operated-cloud.ts';
import type { OpenStack } from '../support/openstack/openstack.ts';

/** How long a live migration takes in the simulated hypervisor. */
const MOVE_SECONDS = 3;
const AT_ONCE = 5;
/** So many hosts show what one at a time costs. */
const SERIAL_HOSTS = 2;
const RUN_SECONDS = 1_800;
/** What is to be reached: requests to Nova, and the time against one server at a time. */
const GOALS = { requestsPerMove: 6, requestsPerHost: 12, ratio: 1 / 3 };
/** The first segments of the paths that are about servers; all others are about hosts. */
const ABOUT_SERVERS: ReadonlySet<string> = new Set(['servers', 'os-migrations']);

type Variant = {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly hostsAtOnce: number;
  readonly serversAtOnce: number;
};
type Requests = { readonly aboutServers: number; readonly aboutHosts: number };
type Result = {
  readonly variant: string;
  readonly hosts: number;
  readonly moves: number;
  /** Hosts that servers left, and that they came to. */
  readonly sources: number;
  readonly targets: number;
  /** The most servers that left one host at the same time. */
  readonly mostAtOnce: number;
  readonly seconds: number;
  readonly secondsPerMove: number;
  readonly requests: number;
  readonly requestsPerMove: number;
  readonly requestsPerHost: number;
};

const [hostCount = 20, serverCount = 200] = process.argv.slice(2).map(Number);
const cloud = await OperatedCloud.start({
  hosts: hostCount,
  prepare: bootServers,
  // There is no other replica to take over: a busy machine must not end this one.
  operatorEnvironment: { CAREEN_LEASE_SECONDS: '60' },
});
try {
  const results: Result[] = [];
  for (const variant of variantsOn(cloud.openStack.hosts)) results.push(await measure(variant));
  report(results);
} finally {
  await cloud.stop();
}

/** A host has one pool, so each variant has hosts of its own. */
function variantsOn(all: readonly string[]): readonly Variant[] {
  const half = Math.ceil((SERIAL_HOSTS + all.length) / 2);
  const [serial, first, second] = [
    all.slice(0, SERIAL_HOSTS),
    all.slice(SERIAL_HOSTS, half),
    all.slice(half),
  ];
  return [
    { name: 'one-at-a-time', hosts: serial, hostsAtOnce: 1, serversAtOnce: 1 },
    { name: 'five-hosts', hosts: first, hostsAtOnce: AT_ONCE, serversAtOnce: 1 },
    { name: 'five-hosts-by-four', hosts: second, hostsAtOnce: AT_ONCE, serversAtOnce: 4 },
  ];
}

async function bootServers(admin: Admin, { hosts }: OpenStack): Promise<void> {
  const metadata = { 'testbed:live-migration-seconds': String(MOVE_SECONDS) };
  await admin.bootServers(
    Array.from({ length: serverCount }, (_, i) => {
      return { name: `server-${String(i)}`, host: hosts[i % hosts.length] ?? '', metadata };
    }),
  );
}

async function measure({ name, hosts, hostsAtOnce, serversAtOnce }: Variant): Promise<Result> {
  const fleet = await cloud.fleet(name, hosts, {
    provider: { maxMigrationsPerHost: serversAtOnce, maxMigrations: 100 },
    pool: { maxUnavailable: hostsAtOnce },
    strategy: { workerApplyType: 'parallel', maxParallelWorkerHosts: hostsAtOnce },
  });
  const [requestsBefore, movesBefore] = [await requestsTo(cloud.openStack), await completedMoves()];
  const beganAt = performance.now();
  await fleet.apply({ execution: { mode: 'Run' } });
  await fleet.until('the end', ({ state }) => state === 'applied', RUN_SECONDS);
  const seconds = (performance.now() - beganAt) / 1000;
  // In this order: the question for the moves is a request too.
  const requests = await requestsTo(cloud.openStack);
  const moves = (await completedMoves()).slice(movesBefore.length);
  const aboutServers = requests.aboutServers - requestsBefore.aboutServers - 1;
  const aboutHosts = requests.aboutHosts - requestsBefore.aboutHosts;
  return {
    ...{ variant: name, hosts: hosts.length, moves: moves.length },
    sources: new Set(moves.map(({ source }) => source)).size,
    targets: new Set(moves.map(({ dest }) => dest)).size,
    mostAtOnce: mostFromOneHost(moves),
    ...{ seconds: rounded(seconds), secondsPerMove: rounded(seconds / moves.length) },
    requests: aboutServers + aboutHosts,
    requestsPerMove: rounded(aboutServers / moves.length),
    requestsPerHost: rounded(aboutHosts / hosts.length),
  };
}

/** How many requests Nova has answered, by its log. */
async function requestsTo({ dir }: OpenStack): Promise<Requests> {
  const log = await readFile(join(dir, 'logs', 'nova.log'), 'utf8');
  const paths = [...log.matchAll(/requestlog .*? "[A-Z]+ \/v2\.1\/([^/?" ]+)/g)].map(
    ([, first = '']) => first,
  );
  const aboutServers = paths.filter((first) => ABOUT_SERVERS.has(first)).length;
  return { aboutServers, aboutHosts: paths.length - aboutServers };
}

/** The completed migrations, in the order of their begin. */
async function completedMoves(): Promise<readonly MigrationRecord[]> {
  return (await migrationRecords(cloud.cloudAdmin)).filter(({ status }) => status === 'completed');
}

/** The last line says how each goal is reached. */
function report(results: readonly Result[]): void {
  const columns = Object.keys(results[0] ?? {});
  console.log(`| ${columns.join(' | ')} |`);
  console.log(`| ${columns.map(() => '---').join(' | ')} |`);
  for (const result of results) console.log(`| ${Object.values(result).join(' | ')} |`);
  const [single, ...parallel] = results;
  const ratios = parallel.map(({ variant, secondsPerMove }) => ({
    ...{ variant, ratio: rounded(secondsPerMove / (single?.secondsPerMove ?? NaN)) },
  }));
  const most = (value: (result: Result) => number): number => Math.max(...results.map(value));
  const costs = {
    requestsPerMove: most(({ requestsPerMove }) => requestsPerMove),
    requestsPerHost: most(({ requestsPerHost }) => requestsPerHost),
  };
  const setting = {
    benchmark: 'openstack',
    hosts: hostCount,
    servers: serverCount,
    moveSeconds: MOVE_SECONDS,
  };
  console.log(JSON.stringify({ ...setting, results, ratios, goals: GOALS }));
  console.log(
    [
      `requests per server at most ${String(costs.requestsPerMove)} (goal ${String(GOALS.requestsPerMove)})`,
      `per host at most ${String(costs.requestsPerHost)} (goal ${String(GOALS.requestsPerHost)})`,
      ...ratios.map(({ variant, ratio }) => `${variant}: ${String(ratio)} of one at a time (goal 0.33)`),
    ].join(', '),
  );
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
