/**
 * What Careen writes as the reason of a compute service that it has disabled: the mark of a lock, or the note that a host
 * was left locked. Nova keeps the reason only while the service is disabled. Pure.
 */
import { statusText } from '../../crds/text/status-text.ts';

const LOCKED = 'careen:';
const LEFT = 'careen-left-locked:';
/** The text of a person may begin like ours, and goes on with a space. */
const MARK = /^careen:\S+$/;
const NOTE = /^careen-left-locked:(?<owner>\S+)/;
/** The length of the column in Nova's database. */
const LONGEST_REASON = 255;

/** The mark of a run on a service that it has disabled. */
export function lockReason(run: string): string {
  return `${LOCKED}${run}`;
}

/** The note on a service that stays disabled after a failure, for `openstack compute service list --long`. */
export function leftLockedReason(ownerUid: string, why: string): string {
  // Nova refuses one half of a character.
  return statusText(`${LEFT}${ownerUid} ${why}`, LONGEST_REASON).toWellFormed();
}

/** The reason of a service that others had disabled, where a late lock of a run has replaced what they gave. */
export function replacedReason(run: string): string {
  return `disabled by others before the run ${run} of Careen, whose lock came late and replaced their reason`;
}

/** Whether a disabled service has the mark of a run, whichever that is. */
export function hasMark(reason: string | undefined): boolean {
  return reason !== undefined && MARK.test(reason);
}

/** The uid of the owner that left the service disabled; undefined for any other reason. */
export function leftLockedBy(reason: string | undefined): string | undefined {
  return reason === undefined ? undefined : NOTE.exec(reason)?.groups?.['owner'];
}
