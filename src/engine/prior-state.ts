import type { Claim, HostFacts } from './view.ts';

/**
 * Whether a claim that is made now finds the host closed by somebody else. A host that still has our mark was closed by
 * a claim that somebody took off since: how that one had found it is `known`, which its run wrote down.
 */
export function foundClosed(
  { closedToNewWork, hasMaintenanceMark }: Pick<HostFacts, 'closedToNewWork' | 'hasMaintenanceMark'>,
  known: boolean | undefined,
): boolean {
  return closedToNewWork && !(hasMaintenanceMark && known === false);
}

/**
 * Whether a claim that is on its way can still be accepted. It cannot where the host is otherwise than the claim says
 * that it found it: the host has changed since, and is looked at anew.
 */
export function mayArrive(
  facts: Pick<HostFacts, 'closedToNewWork' | 'hasMaintenanceMark' | 'spoiltClaim'>,
  { closedToNewWorkBefore }: Claim,
): boolean {
  return (
    facts.spoiltClaim === undefined && foundClosed(facts, closedToNewWorkBefore) === closedToNewWorkBefore
  );
}
