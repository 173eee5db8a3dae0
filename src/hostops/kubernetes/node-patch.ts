/** The two patches that Careen makes on a node, each in one write. Pure. */
import type { V1Taint } from '@kubernetes/client-node';
import { CLAIM_ANNOTATION, MAINTENANCE_TAINT } from '../../crds/names.ts';
import type { Claim } from '../../engine/view.ts';
import type { NodeState } from './node-facts.ts';

/**
 * Claims a node: says whose it is and what to put back, and in an outage of
 * level `away` closes it. Fenced by uid and revision: a node that changed since
 * it was looked at is not claimed.
 */
export function claimPatch(node: NodeState, claim: Claim): object {
  const closing = { unschedulable: true, taints: [...withoutOurs(node.taints), { key: MAINTENANCE_TAINT, effect: 'NoSchedule' }] };
  return {
    metadata: { ...fence(node), annotations: { [CLAIM_ANNOTATION]: JSON.stringify(claim) } },
    ...(claim.level === 'away' ? { spec: closing } : {}),
  };
}

/** Takes off what the claim put on, and nothing else: a node that was closed before stays closed. */
export function releasePatch(node: NodeState, claim: Claim): object {
  const opening = { taints: withoutOurs(node.taints), ...(claim.closedBefore ? {} : { unschedulable: null }) };
  return {
    metadata: { ...fence(node), annotations: { [CLAIM_ANNOTATION]: null } },
    ...(claim.level === 'away' ? { spec: opening } : {}),
  };
}

function withoutOurs(taints: readonly V1Taint[]): V1Taint[] {
  return taints.filter(({ key }) => key !== MAINTENANCE_TAINT);
}

function fence({ uid, revision }: NodeState): { uid: string; resourceVersion: string } {
  return { uid, resourceVersion: revision };
}
