/** Why a server is not stopped for the outage of its host now, although it could be. */
import type { Compute } from '../../../openstack/compute.ts';
import type { Server, ServerGroup } from '../../../openstack/compute-answers.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';
import { powerHistory } from './power-history.ts';
import type { Moves } from './servers-on-host.ts';

export type Asked = {
  readonly compute: Compute;
  readonly moves: () => Moves;
  /** The hosts whose servers are stopped for an outage, and since when. */
  readonly stopped: () => ReadonlyMap<HostName, string>;
};

/** Whether the members of a group are there to stand in for each other. */
export function isApart({ policy = '' }: ServerGroup): boolean {
  return policy.endsWith('anti-affinity');
}

/** The ids of the groups with a member among these servers that stands in for others. */
export function apartGroups(servers: readonly Server[], groups: readonly ServerGroup[]): readonly string[] {
  const there = new Set(servers.map(({ id }) => id));
  const own = groups.filter((group) => isApart(group) && group.members.some((member) => there.has(member)));
  return own.map(({ id }) => id).toSorted();
}

/** Undefined when the server may be stopped. The last look at what else is asked comes after all waits. */
export async function againstStop(
  { compute, moves, stopped }: Asked,
  { id }: Server,
  host: HostName,
  signal: AbortSignal,
): Promise<string | undefined> {
  const userId = await compute.userId(signal);
  const isOurs = async (server: string, since: string): Promise<ReturnType<typeof powerHistory>['kind']> =>
    powerHistory({ actions: await compute.instanceActions(server, signal), userId, since }).kind;
  const since = stopped().get(host);
  if (since !== undefined && (await isOurs(id, since)) === 'taken-over')
    return `was started by somebody else after it was stopped for this run: openstack server stop ${id}, or wait until it may be stopped`;

  const groups = moves().groups.filter((group) => isApart(group) && group.members.includes(id));
  // Each member costs a request: it is read only while servers of another host are stopped.
  const areStoppedElsewhere = [...stopped().keys()].some((each) => each !== host);
  for (const { name, members } of areStoppedElsewhere ? groups : [])
    for (const member of members.filter((each) => each !== id)) {
      const other = await compute.find(member, signal);
      const from = other?.host === undefined || other.host === host ? undefined : stopped().get(other.host);
      if (!other || from === undefined || other.status === 'ACTIVE') continue;
      const kind = await isOurs(member, from);
      if (kind === 'stopped' || kind === 'started') return ofGroup(member, name);
    }
  const { setOff } = moves();
  for (const { name, members } of groups) {
    const member = members.find((each) => each !== id && setOff.has(each));
    if (member !== undefined) return ofGroup(member, name);
  }
  return undefined;
}

function ofGroup(server: string, group: string): string {
  return `waits until server ${server} of its group ${group} runs again, which was stopped or moves`;
}
