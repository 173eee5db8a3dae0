/** Decides how a server on a host whose servers are stopped for an outage ceases to run. Pure. */
import type { Server } from '../../../openstack/compute-answers.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';
import { afterResize, mend, type NextMove } from './next-move.ts';

/** The states in which nothing of a server runs, or what runs is stored on disk. */
const STILL: ReadonlySet<string> = new Set(['SHUTOFF', 'SUSPENDED', 'SHELVED']);
const PASSING: ReadonlySet<string> = new Set([
  'BUILD',
  'RESIZE',
  'MIGRATING',
  'REBUILD',
  'REBOOT',
  'HARD_REBOOT',
]);
/** The power state of a server that is shut down. */
const SHUT_DOWN = 4;

export type Stopping = { readonly host: HostName; readonly server: Server; readonly hostIsUp: boolean };

/** Whether nothing of a server runs, and its owner has to start it. */
export function isStill({ status }: Pick<Server, 'status'>): boolean {
  return STILL.has(status);
}

/** The next act for a server that must not run on its host; undefined when it does not run there. */
export function nextStop({ host, server, hostIsUp }: Stopping): NextMove | undefined {
  const { id, status, taskState, powerState } = server;
  if (server.host !== undefined && server.host !== host) return undefined;
  if (taskState !== undefined) return { kind: 'wait', reason: `is busy (${taskState})` };
  if (isStill(server) || (status === 'ERROR' && powerState === SHUT_DOWN)) return undefined;
  if (PASSING.has(status)) return { kind: 'wait', reason: `is in status ${status}` };
  if (status === 'VERIFY_RESIZE') return afterResize(host, server, []);
  if (!hostIsUp)
    return { kind: 'stuck', reason: 'cannot be stopped while its host is down: bring the host up' };
  if (status === 'ACTIVE') return { kind: 'stop' };
  if (status === 'PAUSED')
    return {
      kind: 'stuck',
      reason: `is paused, and Nova stops no such server: openstack server unpause ${id}`,
    };
  return {
    kind: 'stuck',
    reason: `is in status ${status}, in which Nova stops no server: ${mend(server)}`,
  };
}
