/** A pool as a plan needs it, whatever its hosts are. */
import { NODE_WORDS } from '../../hostops/node-words.ts';
import type { Operation } from '../../hostops/openstack/placing/server-operations.ts';
import type { HostState, Situation } from '../../planner/findings/situation.ts';
import type { HostName, SeedServer } from '../../planner/hosts/facts.ts';
import type { Fleet } from '../files/fleet-file.ts';
import { hostStateOf } from './host-state.ts';

export type PlannedPool = Pick<Fleet, 'pool' | 'platform'> &
  Pick<Situation, 'words' | 'placement'> & {
    readonly hosts: readonly HostState[];
    /** The servers on a host; undefined for hosts without servers. */
    readonly serversOf?: (host: HostName) => readonly SeedServer[];
    /** The groups of which a host has members that stand in for others; undefined for hosts without servers. */
    readonly apartOf?: (host: HostName) => readonly string[];
    /** What happens to the servers of hosts that are out of service together; undefined for hosts without servers. */
    readonly operations?: (away: readonly HostName[]) => readonly Operation[];
  };

/** Pure. */
export function poolOfNodes({ pool, platform, hosts }: Fleet): PlannedPool {
  const states = hosts.map((host) => hostStateOf(host, pool.spec.roles));
  return { pool, ...(platform ? { platform } : {}), hosts: states, words: NODE_WORDS };
}
