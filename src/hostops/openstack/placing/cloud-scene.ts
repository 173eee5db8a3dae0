/** A survey of a cloud with its hosts as they are now, by name: where servers may go is judged by it. Pure. */
import type { Server, ServerGroup } from '../../../openstack/compute-answers.ts';
import type { HostRoom } from '../../../openstack/placement.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';
import { memoizeByObject } from '../../../planner/memoize-by-object.ts';
import type { CloudSurvey } from './cloud-survey.ts';
import type { ComputeHost } from '../compute-host.ts';

/** A host as far as it matters to servers that look for one. */
export type PossibleTarget = Pick<ComputeHost, 'name' | 'ready' | 'closedToNewWork' | 'labels'>;

export type CloudScene = {
  readonly survey: CloudSurvey;
  /** All hosts of the cloud. */
  readonly hosts: ReadonlyMap<HostName, PossibleTarget>;
};

/** Whether Nova gives servers to a host. */
export function takesServers({ ready, closedToNewWork }: PossibleTarget): boolean {
  return ready && !closedToNewWork;
}

/** A survey by the names of hosts and the ids of servers. */
export type SurveyIndex = {
  readonly serversOn: ReadonlyMap<HostName, readonly Server[]>;
  readonly hostOf: ReadonlyMap<string, HostName>;
  readonly groupOf: ReadonlyMap<string, ServerGroup>;
  /** The room of a host; one that is full has none. Undefined where it is not known. */
  readonly roomOf: (host: HostName) => HostRoom | undefined;
  readonly metadataOf: (host: HostName, key: string) => ReadonlySet<string>;
};

const FULL: HostRoom = { free: {}, capacity: {}, traits: new Set() };

export const indexOf = memoizeByObject((survey: CloudSurvey): SurveyIndex => {
  const { servers, groups, hypervisors, rooms } = survey;
  const ids = new Map(hypervisors.map(({ serviceHost, id }) => [serviceHost, id]));
  const metadata = metadataByHost(survey);
  return {
    serversOn: Map.groupBy(servers, ({ host = '' }) => host),
    hostOf: new Map(servers.flatMap(({ id, host }) => (host === undefined ? [] : [[id, host] as const]))),
    groupOf: new Map(groups.flatMap((group) => group.members.map((member) => [member, group] as const))),
    roomOf: (host) => (rooms.kind === 'known' ? (rooms.of.get(ids.get(host) ?? '') ?? FULL) : undefined),
    metadataOf: (host, key) => metadata.get(host)?.get(key) ?? new Set(),
  };
});

/** A value may hold several, separated by commas. */
function metadataByHost({
  aggregates,
}: CloudSurvey): ReadonlyMap<HostName, ReadonlyMap<string, ReadonlySet<string>>> {
  const all = new Map<HostName, Map<string, Set<string>>>();
  for (const { hosts, metadata } of aggregates)
    for (const host of hosts) {
      const own = all.get(host) ?? new Map<string, Set<string>>();
      all.set(host, own);
      for (const [key, value] of Object.entries(metadata)) {
        const values = own.get(key) ?? new Set();
        own.set(key, values);
        for (const each of value.split(',')) values.add(each.trim());
      }
    }
  return all;
}
