/** The tables, the plot and the JSON of the benchmark. */
import { logLogPlot } from '../log-log-plot.ts';
import { evictions, marginalCosts, rounded, totalRequests } from './figures.ts';
import type { Measured } from './measure.ts';
import { PARTS } from './outage.ts';

type Row = Readonly<Record<string, unknown>>;

export function printReport(results: readonly Measured[]): void {
  printTable(results.map(costRow));
  const verbs = [...new Set(results.flatMap(({ requests }) => Object.keys(requests)))].toSorted();
  printTable(verbs.map((verb) => verbRow(verb, results)));
  printTable(
    marginalCosts(results).flatMap(({ from, to, perHost, intercept }) => [
      { 'marginal cost': `${String(from)} to ${String(to)}`, ...costs(perHost) },
      { 'marginal cost': 'intercept', ...costs(intercept) },
    ]),
  );
  printTable(results.flatMap(outageRow));
  printTable(results.flatMap(comparedRows));
  printTable(results.flatMap(disturbedRow));
  if (results.length > 1) printPlot(results);
  console.log(JSON.stringify({ benchmark: 'scale', results }));
}

/** The figures of one host in the largest fleet. */
export function lastLine(results: readonly Measured[]): string {
  const last = results.at(-1);
  if (!last) return 'nothing was measured';
  const row = costRow(last);
  return (
    `per host at N=${String(last.hosts)} with ${String(last.podsPerHost)} pods: ${String(row['requests/host'])} requests, ` +
    `${String(row['KiB stored/host'])} KiB stored, ${String(row['CPU s/host'])} CPU s`
  );
}

function costRow(each: Measured): Row {
  const { hosts } = each;
  return {
    hosts,
    ...(each.fleet === hosts ? {} : { fleet: each.fleet }),
    ...(each.strategies === 1 && each.finished === 0
      ? {}
      : { 'strategies at once': each.strategies, 'ended before': each.finished }),
    'pods/host': each.podsPerHost,
    'requests/host': rounded(totalRequests(each) / hosts, 1),
    'besides evictions': rounded((totalRequests(each) - evictions(each)) / hosts, 1),
    'KiB stored/host': rounded(each.storedBytes / 1024 / hosts, 1),
    'CPU s/host': rounded(each.cpuSeconds / hosts, 3),
    'RSS MiB idle': Math.round(each.idleRssMiB),
    'RSS MiB peak': Math.round(each.peakRssMiB),
    'lag p99 ms': each.eventLoopLagP99Ms,
    'ready s': rounded(each.readySeconds, 1),
    'stall ms': each.startStallMs,
    'wall s': rounded(each.wallSeconds, 0),
    'passes/host': rounded(each.passes.count / hosts, 1),
    'ms/pass': rounded((each.passes.seconds * 1000) / each.passes.count, 1),
    'Lease requests/s': rounded(each.leaseRequests / each.wallSeconds, 2),
  };
}

function verbRow(verb: string, results: readonly Measured[]): Row {
  const cells = results.map(({ hosts, requests }): [string, number] => [
    `N=${String(hosts)}`,
    rounded((requests[verb] ?? 0) / hosts, 2),
  ]);
  return { 'requests per host': verb, ...Object.fromEntries(cells) };
}

function costs({
  requests,
  bytes,
  cpu,
  rss,
}: Readonly<Record<'requests' | 'bytes' | 'cpu' | 'rss', number>>): Row {
  return {
    requests: rounded(requests, 1),
    'KiB stored': rounded(bytes / 1024, 1),
    'CPU s': rounded(cpu, 3),
    'RSS MiB': rounded(rss, 3),
  };
}

function outageRow({ hosts, outage }: Measured): Row[] {
  if (!outage) return [];
  const { permit, own } = outage;
  const whole = PARTS.reduce((sum, part) => sum + outage[part], 0) - permit;
  return [
    {
      hosts,
      ...Object.fromEntries(
        PARTS.map((part): [string, number] => [`${words(part)} ms`, Math.round(outage[part])]),
      ),
      'outage ms': Math.round(whole),
      'answers of the API server ms': Math.round(outage.answers),
      'of it evictions in flight ms': Math.round(outage.evictionsInFlight),
      "Careen's own ms": Math.round(own),
    },
  ];
}

function words(part: string): string {
  return part.replace(/[A-Z]/, (letter) => ` ${letter.toLowerCase()}`);
}

function comparedRows(each: Measured): Row[] {
  return each.compared.map(({ program, hosts, wallSeconds, cpuSeconds, ...cost }) => ({
    'fleet, compared program': `${String(each.hosts)}, ${program === 'limit' ? 'limit program' : 'kubectl drain, uncordon'}`,
    hosts,
    'requests/host': rounded(totalRequests(cost) / hosts, 1),
    'KiB stored/host': rounded(cost.storedBytes / 1024 / hosts, 1),
    'CPU s/host': rounded(cpuSeconds / hosts, 3),
    'wall s': rounded(wallSeconds, 1),
    'wall s of Careen for as many': rounded((each.wallSeconds / each.hosts) * hosts, 1),
  }));
}

function disturbedRow({ hosts, disturbed }: Measured): Row[] {
  if (!disturbed) return [];
  return [
    {
      'under faults: hosts': hosts,
      'restarts of the API server': disturbed.restartsOfApiServer,
      'starts of the operator': disturbed.startsOfOperator,
      'failed requests': disturbed.failedRequests,
      'invariants broken': disturbed.complaints.length,
    },
  ];
}

function printPlot(results: readonly Measured[]): void {
  const points = (pick: (each: Measured) => number) =>
    results.map((each) => ({ x: each.hosts, y: pick(each) }));
  const series = [
    { mark: 'r', points: points(totalRequests) },
    { mark: 'k', points: points(({ storedBytes }) => storedBytes / 1024) },
    { mark: 'c', points: points(({ cpuSeconds }) => cpuSeconds) },
    { mark: 'm', points: points(({ peakRssMiB }) => peakRssMiB) },
  ];
  console.log('r requests, k KiB stored, c CPU seconds, m peak RSS in MiB, over the number of hosts:');
  for (const line of logLogPlot(series)) console.log(line);
  console.log('');
}

function printTable(rows: readonly Row[]): void {
  const columns = Object.keys(rows[0] ?? {});
  if (columns.length === 0) return;
  console.log(`| ${columns.join(' | ')} |`);
  console.log(`| ${columns.map(() => '---').join(' | ')} |`);
  for (const row of rows) console.log(`| ${columns.map((column) => String(row[column])).join(' | ')} |`);
  console.log('');
}
