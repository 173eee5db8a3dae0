/**
 * Measures what a host costs the operator and the API server, over the number of
 * hosts. Each N is a whole strategy on a real control plane with simulated nodes:
 * ten hosts at a time, each drained, patched, rebooted and verified. Asserts nothing.
 *
 *     node test/bench/scale/main.ts [N...]        (10 100)
 *     PODS=0 node test/bench/scale/main.ts        pods on each host (10)
 */
import { logLogPlot } from '../log-log-plot.ts';
import { measure, type Measured } from './measure.ts';

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [10, 100];
const pods = Number(process.env['PODS'] ?? 10);

const results: Measured[] = [];
for (const hosts of sizes) {
  const result = await measure(hosts, pods);
  process.stderr.write(`${String(hosts)} hosts: ${result.wallSeconds.toFixed(0)} s\n`);
  results.push(result);
}
const rows = results.map(rowOf);
printTable(rows);
const verbs = [...new Set(results.flatMap(({ requests }) => [...requests.counts.keys()]))].toSorted();
printTable(
  verbs.map((verb) => ({
    'requests per host': verb,
    ...Object.fromEntries(
      results.map(({ hosts, requests }) => [
        `N=${String(hosts)}`,
        per(requests.counts.get(verb) ?? 0, hosts),
      ]),
    ),
  })),
);
printTable(results.slice(1).map((each, i) => marginalRow(results[i] ?? each, each)));
if (results.length > 1) {
  const points = (pick: (each: Measured) => number) =>
    results.map((each) => ({ x: each.hosts, y: pick(each) }));
  const series = [
    { mark: 'r', points: points(total) },
    { mark: 'c', points: points(({ cpuSeconds }) => cpuSeconds) },
    { mark: 'm', points: points(({ peakRssMiB }) => peakRssMiB) },
  ];
  console.log('r requests, c CPU seconds, m peak RSS in MiB, over the number of hosts:');
  for (const line of logLogPlot(series)) console.log(line);
}
console.log(
  JSON.stringify({
    benchmark: 'scale',
    results: results.map(({ requests, ...rest }) => ({
      ...rest,
      requests: Object.fromEntries(requests.counts),
      storedBytes: requests.storedBytes,
    })),
  }),
);
const last = rows.at(-1);
if (last)
  console.log(
    `per host at N=${String(last['hosts'])}: ${String(last['requests/host'])} requests, ${String(last['KiB stored/host'])} KiB stored, ${String(last['CPU s/host'])} CPU s`,
  );

function total({ requests }: Measured): number {
  return [...requests.counts.values()].reduce((sum, count) => sum + count, 0);
}

function evictions({ requests }: Measured): number {
  return requests.counts.get('create pods/eviction') ?? 0;
}

function per(amount: number, hosts: number, digits = 2): number {
  return Number((amount / hosts).toFixed(digits));
}

function rowOf(each: Measured): Record<string, number> {
  const { hosts } = each;
  return {
    hosts,
    'pods/host': each.podsPerHost,
    'requests/host': per(total(each), hosts, 1),
    'besides evictions': per(total(each) - evictions(each), hosts, 1),
    'KiB stored/host': per(each.requests.storedBytes / 1024, hosts, 1),
    'CPU s/host': per(each.cpuSeconds, hosts, 3),
    'RSS MiB before': Math.round(each.idleRssMiB),
    'RSS MiB peak': Math.round(each.peakRssMiB),
    'lag p99 ms': each.eventLoopLagP99Ms,
    'ready s': Number(each.readySeconds.toFixed(1)),
    'wall s': Math.round(each.wallSeconds),
  };
}

function marginalRow(small: Measured, large: Measured): Record<string, number | string> {
  const more = large.hosts - small.hosts;
  return {
    'marginal cost': `${String(small.hosts)} to ${String(large.hosts)}`,
    'requests/host': per(total(large) - total(small), more, 1),
    'KiB stored/host': per((large.requests.storedBytes - small.requests.storedBytes) / 1024, more, 1),
    'CPU s/host': per(large.cpuSeconds - small.cpuSeconds, more, 3),
    'RSS MiB/host': per(large.peakRssMiB - small.peakRssMiB, more, 3),
  };
}

function printTable(rows: readonly Readonly<Record<string, unknown>>[]): void {
  const columns = Object.keys(rows[0] ?? {});
  if (columns.length === 0) return;
  console.log(`| ${columns.join(' | ')} |`);
  console.log(`| ${columns.map(() => '---').join(' | ')} |`);
  for (const row of rows) console.log(`| ${columns.map((column) => String(row[column])).join(' | ')} |`);
  console.log('');
}
