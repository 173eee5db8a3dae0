/** What the operator's process says about the cost of a run. */
import { readFile } from 'node:fs/promises';
import type { Metrics } from '../../support/operator/metrics.ts';

const CLOCK_TICKS = 100;

export type ProcessCost = {
  /** User and system time since the process began. */
  readonly cpuSeconds: number;
  readonly rssMiB: number;
  /** The most memory that it held at once. */
  readonly peakRssMiB: number;
};

/** Reads the cost of a process so far from /proc. Throws for one that has ended, even if nobody knows yet how. */
export async function processCost(pid: number): Promise<ProcessCost> {
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  const mebibytes = (field: string): number => {
    const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    if (kilobytes === undefined) throw new Error(`process ${String(pid)} has no memory: it has ended`);
    return Number(kilobytes) / 1024;
  };
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS,
    rssMiB: mebibytes('VmRSS'),
    peakRssMiB: mebibytes('VmHWM'),
  };
}

/** The processor time of the children of this process that have ended. */
export async function endedChildrenCpuSeconds(): Promise<number> {
  const stat = await readFile('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / CLOCK_TICKS;
}

/** Adds up the cost of an operator that may be restarted: the last sample of each of its processes counts. */
export class CostMeter {
  readonly #samples = new Map<number, ProcessCost>();

  /** A process that has just ended keeps its sample before. */
  async sample(pid: number): Promise<void> {
    const cost = await processCost(pid).catch(() => undefined);
    if (cost) this.#samples.set(pid, cost);
  }

  get total(): Omit<ProcessCost, 'rssMiB'> {
    const all = [...this.#samples.values()];
    return {
      cpuSeconds: all.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
      peakRssMiB: Math.max(...all.map(({ peakRssMiB }) => peakRssMiB)),
    };
  }
}

/** The 99th percentile of the delay of the operator's event loop since its metrics were last read. */
export function eventLoopLagMs(metrics: string): number {
  const seconds = /^nodejs_eventloop_lag_p99_seconds(?:\{[^}]*\})? (\S+)$/m.exec(metrics)?.[1];
  return Number((Number(seconds) * 1000).toFixed(1));
}

export type Passes = { readonly count: number; readonly seconds: number };

/** The passes over strategies so far. */
export function passesIn({ value }: Metrics): Passes {
  const [count, sum] = ['count', 'sum'].map((part) =>
    value(`careen_reconcile_duration_seconds_${part}{kind="strategy"}`),
  );
  return { count: count ?? 0, seconds: sum ?? 0 };
}
