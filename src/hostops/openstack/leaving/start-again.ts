/**
 * Starts the servers again that were stopped for the outage of a host, before its claim is removed: while the claim is
 * there, somebody still has to do that, whoever leads.
 */
import type { Compute } from '../../../openstack/compute.ts';
import type { Server } from '../../../openstack/compute-answers.ts';
import { OpenStackError } from '../../../openstack/errors.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';
import { listed } from '../../../planner/listed.ts';
import { powerHistory } from './power-history.ts';

/** After so many starts a server is left to its owner. */
const MOST_STARTS = 3;
/** The tasks of a server that is stopped or started. */
const SWITCHING: ReadonlySet<string> = new Set(['powering-off', 'powering-on']);
/** Nova may refuse one server, as one that its owner has locked: the others start all the same. */
const REFUSALS: ReadonlySet<OpenStackError['kind']> = new Set(['forbidden', 'bad-request', 'conflict']);

export type Starting = {
  readonly compute: Compute;
  /** Throws when this process may not write any more. */
  readonly beforeWrite: () => void;
};

export type Started = {
  /** Why the servers do not all run yet; undefined when nothing is to be awaited any more. */
  readonly pending?: string | undefined;
  /** The servers that do not start, and what to do; undefined when there are none. */
  readonly failed?: string | undefined;
};

/** Asks each server to start that Careen has stopped since this time, and that is still stopped. Throws OpenStackError. */
export async function startAgain(
  { compute, beforeWrite }: Starting,
  host: HostName,
  since: string,
  signal: AbortSignal,
): Promise<Started> {
  const [userId, servers] = await Promise.all([compute.userId(signal), compute.servers({ host }, signal)]);
  const pending: string[] = [];
  const failed: string[] = [];
  for (const server of servers.filter(mayBeStopped)) {
    const actions = await compute.instanceActions(server.id, signal).catch(unlessGone);
    const history = powerHistory({ actions, userId, since });
    if (history.kind === 'untouched' || history.kind === 'taken-over') continue;
    const isBusy = server.taskState !== undefined;
    // Its owner has made something else of it, as with a shelved one.
    if (!isBusy && server.status !== 'SHUTOFF') continue;
    if (!isBusy && history.kind === 'started' && history.times >= MOST_STARTS) {
      failed.push(server.id);
      continue;
    }
    const isAsked = isBusy || (await asked({ compute, beforeWrite }, server, signal));
    (isAsked ? pending : failed).push(server.id);
  }
  return {
    ...(pending.length > 0
      ? {
          pending: `${listed(pending)} ${pending.length === 1 ? 'was' : 'were'} stopped, and must run again first`,
        }
      : {}),
    ...(failed.length > 0
      ? {
          failed: `${listed(failed)} did not start: openstack server show says why, openstack server start tries again`,
        }
      : {}),
  };
}

/** A server that is rebuilt shows that, and is stopped again afterwards. */
function mayBeStopped({ status, taskState = '' }: Server): boolean {
  return status !== 'ACTIVE' || SWITCHING.has(taskState);
}

/** Whether a server was asked to start, or may be asked another time: then it is looked at again. */
async function asked(
  { compute, beforeWrite }: Starting,
  { id }: Server,
  signal: AbortSignal,
): Promise<boolean> {
  beforeWrite();
  try {
    await compute.start(id, signal);
    return true;
  } catch (error) {
    if (!(error instanceof OpenStackError)) throw error;
    if (error.kind === 'not-found') return true;
    if (!REFUSALS.has(error.kind)) throw error;
    const now = await compute.find(id, signal);
    if (now?.status !== 'SHUTOFF' || now.taskState !== undefined) return true;
    // A conflict without a lock passes: Nova had something else to do with the server.
    return error.kind === 'conflict' && !now.locked;
  }
}

function unlessGone(error: unknown): [] {
  if (!(error instanceof OpenStackError) || error.kind !== 'not-found') throw error;
  return [];
}
