import type { Role } from '../../crds/vocabulary.ts';

export type HostName = string;

/** The observed properties of a host, by fact name: `nodeInfo.kernelVersion`, `labels.KEY`. */
export type Facts = Readonly<Record<string, string>>;

/** The fact with the version of a node's kubelet. */
export const KUBELET_VERSION = 'nodeInfo.kubeletVersion';

/** What is known of the control plane of the hosts; a part that nobody could read is left out. */
export type PlatformFacts = {
  /** The version of the API server, such as v1.36.2. */
  readonly version?: string | undefined;
  /** The deprecated APIs that somebody has used since the API server started. */
  readonly deprecatedApis?: readonly DeprecatedApi[] | undefined;
  /** Why those could not be read. */
  readonly deprecatedApisUnknown?: string | undefined;
};

export type DeprecatedApi = {
  /** GROUP/VERSION RESOURCE. */
  readonly api: string;
  /** The release that no longer serves it, such as 1.38. */
  readonly removedIn: string;
};

/** One host of the inventory, as the input of a plan. */
export type HostSeed = {
  readonly name: HostName;
  readonly roles: readonly Role[];
  readonly facts: Facts;
  /** The groups of instances on it that stand in for each other: hosts with a group in common are not stopped together. */
  readonly apart?: readonly string[] | undefined;
  /** Somebody else keeps it closed to new work. */
  readonly closedByOthers?: true | undefined;
  /** It does not serve: a node that is not Ready, a compute service that is down. */
  readonly isDown?: true | undefined;
  /** The servers on it, where the inventory looked at them. */
  readonly servers?: readonly SeedServer[] | undefined;
};

/** A server on a compute host, as far as a plan depends on it. */
export type SeedServer = {
  readonly uid: string;
  readonly name: string;
  /** It does not run, and nobody but its owner starts it. */
  readonly stopped: boolean;
  /** The group of servers that it belongs to, with the policies of the group. */
  readonly group?: { readonly uid: string; readonly name: string; readonly policies: readonly string[] };
};

const byName = new Intl.Collator('en', { numeric: true });

/** Compares host names with their numbers as numbers: worker-2 before worker-10. */
export function compareHostNames(a: HostName, b: HostName): number {
  return byName.compare(a, b) || (a < b ? -1 : Number(a > b));
}
