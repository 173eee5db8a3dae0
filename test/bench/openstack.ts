/**
 * Measures strategies on compute hosts: a real Nova with simulated hypervisors, and the operator's own process. Servers
 * move live, each for some seconds. Hosts one after another, one server at a time, are compared with five hosts at once,
 * with one server at a time from each (the limit of Nova by default) and with four.
 *
 *     node test/bench/openstack.ts [HOSTS] [SERVERS]     (20 hosts, 200 servers)
 *
 * Requests are all that Nova answered during a run: nobody but Careen asks it then. Those about servers and their
 * migrations are counted by move, since a server may move more than once: a host that is still to come takes it in. Those
 * about hosts (services, aggregates, hypervisors, groups) are counted by host. A second table has each kind of request.
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
/**
 * How often the hosts report what is free on them; Nova's scheduler sends all servers to the same host until then. By
 * default that is each minute, in which many more moves begin here than where they take minutes.
 */
const REPORT_SECONDS = 20;
/** So many hosts show what one at a time costs. */
const SERIAL_HOSTS = 2;
const RUN_SECONDS = 1_800;
/** What is to be reached: requests to Nova, and the time against one server at a time. */
const GOALS = { requestsPerMove: 6, requestsPerHost: 12, ratio: 1 / 3 };
/** The first segments of the paths that are about servers; all others are about hosts. */
const ABOUT_SERVERS: ReadonlySet<string> = new Set(['servers', 'os-migrations']);
const ID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

type Variant = {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly hostsAtOnce: number;
  readonly serversAtOnce: number;
};
/** How many, by method and path without ids. */
type Requests = ReadonlyMap<string, number>;
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
type Measured = { readonly result: Result; readonly requests: Requests };

const [hostCount = 20, serverCount = 200] = process.argv.slice(2).map(Number);
const cloud = await OperatedCloud.start({
  hosts: hostCount,
  prepare: bootServers,
  // There is no other replica to take over: a busy machine must not end this one.
  operatorEnvironment: { CAREEN_LEASE_SECONDS: '60' },
  environment: { OS_DEFAULT__UPDATE_RESOURCES_INTERVAL: String(REPORT_SECONDS) },
});
try {
  const measured: Measured[] = [];
  for (const variant of variantsOn(cloud.openStack.hosts)) measured.push(await measure(variant));
  reportRequests(measured);
  report(measured.map(({ result }) => result));
} finally {
  await cloud.stop();
}

/**
 * A host has one pool, so each variant has hosts of its own, and those of one stage: Nova would send servers to the hosts of
 * a later one, and how many is its choice.
 */
function variantsOn(all: readonly string[]): readonly Variant[] {
  const [serial, rest] = [all.slice(0, SERIAL_HOSTS), all.slice(SERIAL_HOSTS)];
  const many = Math.min(AT_ONCE, Math.floor(rest.length / 2));
  const [first, second] = [rest.slice(0, many), rest.slice(many, 2 * many)];
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

async function measure({ name, hosts, hostsAtOnce, serversAtOnce }: Variant): Promise<Measured> {
  const fleet = await cloud.fleet(name, hosts, {
    provider: { maxMigrationsPerHost: serversAtOnce, maxMigrations: 100 },
    pool: { maxUnavailable: hostsAtOnce },
    strategy: { workerApplyType: 'parallel', maxParallelWorkerHosts: hostsAtOnce },
  });
  // In this order: the question for the moves is a request too.
  const [movesBefore, requestsBefore] = [await completedMoves(), await requestsTo(cloud.openStack)];
  const beganAt = performance.now();
  await fleet.apply({ execution: { mode: 'Run' } });
  await fleet.until('the end', ({ state }) => state === 'applied', RUN_SECONDS);
  const seconds = (performance.now() - beganAt) / 1000;
  const requests = without(requestsBefore, await requestsTo(cloud.openStack));
  const moves = (await completedMoves()).slice(movesBefore.length);
  const aboutServers = sum(requests, isAboutServers);
  const aboutHosts = sum(requests, (kind) => !isAboutServers(kind));
  const result = {
    ...{ variant: name, hosts: hosts.length, moves: moves.length },
    sources: new Set(moves.map(({ source }) => source)).size,
    targets: new Set(moves.map(({ dest }) => dest)).size,
    mostAtOnce: mostFromOneHost(moves),
    ...{ seconds: rounded(seconds), secondsPerMove: rounded(seconds / moves.length) },
    requests: aboutServers + aboutHosts,
    requestsPerMove: rounded(aboutServers / moves.length),
    requestsPerHost: rounded(aboutHosts / hosts.length),
  };
  return { result, requests };
}

/** How many requests Nova has answered, by its log. */
async function requestsTo({ dir }: OpenStack): Promise<Requests> {
  const log = await readFile(join(dir, 'logs', 'nova.log'), 'utf8');
  const kinds = [...log.matchAll(/requestlog .*? "([A-Z]+) \/v2\.1\/([^?" ]+)/g)].map(
    ([, method = '', path = '']) => `${method} /${path.replaceAll(ID, 'ID')}`,
  );
  return new Map([...Map.groupBy(kinds, (kind) => kind)].map(([kind, all]) => [kind, all.length]));
}

function without(before: Requests, after: Requests): Requests {
  return new Map([...after].map(([kind, count]) => [kind, count - (before.get(kind) ?? 0)]));
}

function sum(requests: Requests, counts: (kind: string) => boolean): number {
  return [...requests].reduce((total, [kind, count]) => total + (counts(kind) ? count : 0), 0);
}

function isAboutServers(kind: string): boolean {
  return ABOUT_SERVERS.has(kind.split('/')[1] ?? '');
}

/** The completed migrations, in the order of their begin. */
async function completedMoves(): Promise<readonly MigrationRecord[]> {
  return (await migrationRecords(cloud.cloudAdmin)).filter(({ status }) => status === 'completed');
}

function reportRequests(measured: readonly Measured[]): void {
  const variants = measured.map(({ result }) => result.variant);
  console.log(`| requests | ${variants.join(' | ')} |`);
  console.log(`| --- |${' ---: |'.repeat(variants.length)}`);
  const kinds = new Set(measured.flatMap(({ requests }) => [...requests.keys()]));
  for (const kind of [...kinds].toSorted())
    console.log(`| ${kind} | ${measured.map(({ requests }) => requests.get(kind) ?? 0).join(' | ')} |`);
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
  // One host at a time is only compared with: what is asked by the second is for that host alone.
  const most = (value: (result: Result) => number): number => Math.max(...parallel.map(value));
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
