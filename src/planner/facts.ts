import type { Role } from '../crds/vocabulary.ts';

export type HostName = string;

/** What can be told of a host without touching it, by fact name: `nodeInfo.kernelVersion`, `labels.KEY`. */
export type Facts = Readonly<Record<string, string>>;

/** What a plan is built from: one host as the inventory lists it. */
export type HostSeed = {
  readonly name: HostName;
  readonly roles: readonly Role[];
  readonly facts: Facts;
};

const byName = new Intl.Collator('en', { numeric: true });

/** Orders host names as people count: worker-2 before worker-10. */
export function compareHostNames(a: HostName, b: HostName): number {
  return byName.compare(a, b) || (a < b ? -1 : Number(a > b));
}
