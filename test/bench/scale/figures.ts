/** The cost of hosts: totals of runs, the cost of one host, and what was committed of it. Pure. */
import { z } from 'zod';

/** A run without its Lease, which costs by the second and not by the host. */
export type Cost = {
  readonly hosts: number;
  readonly podsPerHost: number;
  /** By verb and resource: `patch nodes`, `create pods/eviction`. */
  readonly requests: Readonly<Record<string, number>>;
  readonly storedBytes: number;
  readonly cpuSeconds: number;
  readonly peakRssMiB: number;
};

/** How much more than committed a host may cost. */
export const MORE_ALLOWED = 0.2;
/** The cost under faults, in terms of the committed cost. */
export const FAULTS_FACTOR = 1.5;

/** The cost of one host, as it is committed. */
export const figures = z.array(
  z.strictObject({
    hosts: z.number(),
    podsPerHost: z.number(),
    bytesPerHost: z.number(),
    requestsPerHost: z.record(z.string(), z.number()),
  }),
);
export type Figures = z.infer<typeof figures>;
type Figure = Figures[number];

export function totalRequests({ requests }: Pick<Cost, 'requests'>): number {
  return sum(Object.values(requests));
}

export function evictions({ requests }: Cost): number {
  return requests['create pods/eviction'] ?? 0;
}

/** What to commit for a run. */
export function figureOf({ hosts, podsPerHost, requests, storedBytes }: Cost): Figure {
  const verbs = Object.keys(requests).toSorted();
  return {
    hosts,
    podsPerHost,
    bytesPerHost: Math.round(storedBytes / hosts),
    requestsPerHost: Object.fromEntries(
      verbs.map((verb) => [verb, rounded((requests[verb] ?? 0) / hosts, 2)]),
    ),
  };
}

/** The committed figures with those of new runs in their place. */
export function renewed(committed: Figures, costs: readonly Cost[]): Figures {
  const renewals = costs.map(figureOf);
  const kept = committed.filter((old) => !renewals.some((each) => isSame(each, old)));
  return [...kept, ...renewals].toSorted((a, b) => b.podsPerHost - a.podsPerHost || a.hosts - b.hosts);
}

/** What costs more than `factor` times what was committed, in sentences; empty also where nothing was committed. */
export function excesses(cost: Cost, committed: Figures, factor: number): string[] {
  const before = committed.find((each) => isSame(each, cost));
  if (!before) return [];
  const now = figureOf(cost);
  const run = `${String(cost.hosts)} hosts with ${String(cost.podsPerHost)} pods each`;
  const [is, was] = [now, before].map((each) => sum(Object.values(each.requestsPerHost)));
  const excess = (what: string, is = 0, was = 0): string[] => {
    const limit = `more than ${factor.toFixed(1)} times the ${was.toFixed(1)} that are committed`;
    return is <= was * factor ? [] : [`${run}: a host costs ${is.toFixed(1)} ${what}, ${limit}`];
  };
  const requests = excess('requests', is, was).map((text) => `${text} (${grown(now, before).join(', ')})`);
  return [...requests, ...excess('KiB stored', now.bytesPerHost / 1024, before.bytesPerHost / 1024)];
}

/** The verbs of which there are more, those that grew most first. */
function grown(now: Figure, before: Figure): string[] {
  return Object.entries(now.requestsPerHost)
    .map(([verb, is]) => ({ verb, is, was: before.requestsPerHost[verb] ?? 0 }))
    .filter(({ is, was }) => is > was)
    .toSorted((a, b) => b.is - b.was - (a.is - a.was))
    .slice(0, 3)
    .map(({ verb, is, was }) => `${verb}: ${String(is)} instead of ${String(was)}`);
}

export const KINDS = ['requests', 'bytes', 'cpu', 'rss'] as const;
export type Kind = (typeof KINDS)[number];
/** How far the marginal cost may be from that of smaller fleets. */
export const MARGIN: Readonly<Record<Kind, number>> = { requests: 0.2, bytes: 0.2, cpu: 0.5, rss: 0.5 };

export function totalOf(cost: Cost, kind: Kind): number {
  switch (kind) {
    case 'requests':
      return totalRequests(cost);
    case 'bytes':
      return cost.storedBytes;
    case 'cpu':
      return cost.cpuSeconds;
    case 'rss':
      return cost.peakRssMiB;
  }
}

/** What each further host costs between two sizes, and the rest: what no host causes. */
export type Marginal = {
  readonly from: number;
  readonly to: number;
  readonly perHost: Readonly<Record<Kind, number>>;
  readonly intercept: Readonly<Record<Kind, number>>;
};

/** Between each size and the next larger one. */
export function marginalCosts(costs: readonly Cost[]): Marginal[] {
  return costs.slice(1).map((large, i) => {
    const small = costs[i] ?? large;
    const perHost = each(
      (kind) => (totalOf(large, kind) - totalOf(small, kind)) / (large.hosts - small.hosts),
    );
    const intercept = each((kind) => totalOf(small, kind) - perHost[kind] * small.hosts);
    return { from: small.hosts, to: large.hosts, perHost, intercept };
  });
}

/** Fewer hosts say nothing of the growth: the heap of a process that has just begun still grows. */
const JUDGED_FROM = 100;

/** Where the marginal cost of larger fleets is not that of smaller ones, in sentences. */
export function growth(marginals: readonly Marginal[]): string[] {
  const judged = marginals.filter(({ from }) => from >= JUDGED_FROM);
  return judged.slice(1).flatMap((now, i) => {
    const before = judged[i] ?? now;
    return KINDS.filter((kind) => {
      const change = now.perHost[kind] / before.perHost[kind] - 1;
      return !(Math.abs(change) <= MARGIN[kind]);
    }).map(
      (kind) =>
        `${kind} of a further host: ${now.perHost[kind].toPrecision(3)} from ${String(now.from)} to ${String(now.to)} hosts, ` +
        `${before.perHost[kind].toPrecision(3)} from ${String(before.from)} to ${String(before.to)}`,
    );
  });
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function each(value: (kind: Kind) => number): Record<Kind, number> {
  return { requests: value('requests'), bytes: value('bytes'), cpu: value('cpu'), rss: value('rss') };
}

function isSame(a: Pick<Figure, 'hosts' | 'podsPerHost'>, b: Pick<Figure, 'hosts' | 'podsPerHost'>): boolean {
  return a.hosts === b.hosts && a.podsPerHost === b.podsPerHost;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
