/** Why a request has no answer. */
import { OPERATOR_NAMESPACE } from '../../crds/names.ts';
import type { Connection } from '../cluster/connection.ts';
import { kindsTrouble } from '../cluster/installed-kinds.ts';
import { LEASE, readLeader, type Leader } from '../cluster/leader.ts';
import { duration } from '../text/text-table.ts';

/** Looks for the likely cause, and what to do about it. */
export async function likelyCause(connection: Connection, now: number): Promise<string> {
  const outdated = await kindsTrouble(connection);
  return outdated ?? causeIn(await readLeader(connection, now));
}

/** Pure. */
export function causeIn(leader: Leader): string {
  switch (leader.kind) {
    case 'none':
      return `no operator runs: nobody holds ${LEASE}; ${START}`;
    case 'unknown':
      return `whether an operator runs is not known: ${leader.because}`;
    case 'held': {
      const { holder, fresh, secondsAgo } = leader;
      if (fresh)
        return `the operator ${holder} runs; look at its log: kubectl -n ${OPERATOR_NAMESPACE} logs ${holder}`;
      const since = secondsAgo === undefined ? '' : ` for ${duration(secondsAgo)}`;
      return `no operator runs: ${holder}, the holder of ${LEASE}, has not renewed it${since}; ${START}`;
    }
  }
}

const START = `see kubectl -n ${OPERATOR_NAMESPACE} get pods, or try it out by careen run`;
