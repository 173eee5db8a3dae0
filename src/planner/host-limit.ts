/**
 * How many hosts may be out of service at once, as a number. `maxUnavailable` is
 * a number or a percentage of all hosts, such as `10%`, as the schema of the pool
 * admits it. A percentage is rounded down, but one host may always go: else a
 * small pool could never be patched.
 */
export function limitOf(maxUnavailable: number | string, hostCount: number): number {
  if (typeof maxUnavailable === 'number') return maxUnavailable;
  return Math.max(1, Math.floor((hostCount * Number.parseInt(maxUnavailable, 10)) / 100));
}
