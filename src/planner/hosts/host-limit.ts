/**
 * How many hosts may be out of service at once, as a number. `maxUnavailable` is a number or a percentage of all hosts,
 * such as `10%`, valid by the schema of the pool. A percentage is rounded down, but to 1 at least: otherwise a small
 * pool could never be patched.
 */
export function limitOf(maxUnavailable: number | string, hostCount: number): number {
  if (typeof maxUnavailable === 'number') return maxUnavailable;
  return Math.max(1, Math.floor((hostCount * Number.parseInt(maxUnavailable, 10)) / 100));
}
