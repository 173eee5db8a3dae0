import type { Role } from '../crds/vocabulary.ts';

export type HostName = string;

/** The observed properties of a host, by fact name: `nodeInfo.kernelVersion`, `labels.KEY`. */
export type Facts = Readonly<Record<string, string>>;

/** One host of the inventory, as the input of a plan. */
export type HostSeed = {
  readonly name: HostName;
  readonly roles: readonly Role[];
  readonly facts: Facts;
};

const byName = new Intl.Collator('en', { numeric: true });

/** Compares host names with their numbers as numbers: worker-2 before worker-10. */
export function compareHostNames(a: HostName, b: HostName): number {
  return byName.compare(a, b) || (a < b ? -1 : Number(a > b));
}
