/** What the operator's process and the API server say about the cost of a run. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const CLOCK_TICKS = 100;

export type ProcessCost = {
  /** User and system time since the process began. */
  readonly cpuSeconds: number;
  /** The most memory that it held at once. */
  readonly peakRssMiB: number;
};

/** Reads the cost of a process so far from /proc. */
export async function processCost(pid: number): Promise<ProcessCost> {
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS,
    peakRssMiB: Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024,
  };
}

const WRITES = ['create', 'update', 'patch', 'delete'];

const auditEvent = z.object({
  verb: z.string(),
  requestReceivedTimestamp: z.string(),
  objectRef: z.object({ resource: z.string(), subresource: z.string().optional() }).optional(),
  responseObject: z.unknown().optional(),
});

export type Requests = {
  /** How many requests, by verb and resource: `patch nodes`, `create pods/eviction`. */
  readonly counts: ReadonlyMap<string, number>;
  /** The size of the objects that the writes stored, as JSON. */
  readonly storedBytes: number;
};

/** Counts the operator's requests that the API server received at `from` (milliseconds) or later. */
export function requestsSince(auditLines: readonly string[], from: number): Requests {
  const counts = new Map<string, number>();
  let storedBytes = 0;
  for (const line of auditLines) {
    const { verb, objectRef, responseObject, requestReceivedTimestamp } = auditEvent.parse(JSON.parse(line));
    if (!objectRef || Date.parse(requestReceivedTimestamp) < from) continue;
    const { resource, subresource } = objectRef;
    const name = `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if (WRITES.includes(verb)) storedBytes += JSON.stringify(responseObject ?? null).length;
  }
  return { counts, storedBytes };
}

/** The 99th percentile of the delay of the operator's event loop, from its metrics. */
export function eventLoopLagMs(metrics: string): number {
  const seconds = /^nodejs_eventloop_lag_p99_seconds(?:\{[^}]*\})? (\S+)$/m.exec(metrics)?.[1];
  return Number((Number(seconds) * 1000).toFixed(1));
}
