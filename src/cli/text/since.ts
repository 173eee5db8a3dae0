/** Spans of time for people. Pure. */
import { duration } from './text-table.ts';

/** How long ago a time was, such as `3 min`; empty for a time that cannot be read. */
export function since(time: string | undefined, now: number): string {
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) ? '' : lasted(secondsBetween(at, now));
}

/** A span of time that has passed, such as `0 s` or `3 min`. */
export function lasted(seconds: number): string {
  return seconds === 0 ? '0 s' : duration(seconds);
}

/** Whole seconds, never fewer than 0: the clocks of two machines differ. */
export function secondsBetween(from: number, to: number): number {
  return Math.max(0, Math.round((to - from) / 1000));
}
