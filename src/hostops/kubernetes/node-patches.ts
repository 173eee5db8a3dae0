/**
 * The patches that claim and release a node. Pure. Each is one merge patch that
 * the API server refuses when the node is another, or has changed, since it was
 * looked at: that also makes it safe to send the list of taints as a whole.
 */
import { CLAIM_ANNOTATION, MAINTENANCE_TAINT } from '../../crds/names.ts';
import type { Claim } from '../../engine/view.ts';
import type { NodeState } from './node-facts.ts';

const TAINT = { key: MAINTENANCE_TAINT, effect: 'NoSchedule' };

/** Says whose the node is; `away` also closes it. */
export function claimPatch(node: NodeState, claim: Claim): object {
  const metadata = guarded(node, JSON.stringify(claim));
  if (claim.level === 'touched') return { metadata };
  return { metadata, spec: { unschedulable: true, taints: [...othersTaints(node), TAINT] } };
}

/**
 * Takes off what is ours. The node is opened only when the claim closed it and
 * it is still closed: what somebody opened or had closed stays as it is.
 */
export function releasePatch(node: NodeState, claim: Claim): object {
  const metadata = guarded(node, null);
  const open = claim.level === 'away' && !claim.closedBefore && node.closed;
  const taints = othersTaints(node);
  const spec = {
    ...(open ? { unschedulable: null } : {}),
    ...(taints.length < node.taints.length ? { taints } : {}),
  };
  return Object.keys(spec).length > 0 ? { metadata, spec } : { metadata };
}

function guarded({ uid, revision }: NodeState, claim: string | null): object {
  return { uid, resourceVersion: revision, annotations: { [CLAIM_ANNOTATION]: claim } };
}

function othersTaints({ taints }: NodeState): NodeState['taints'] {
  return taints.filter(({ key }) => key !== MAINTENANCE_TAINT);
}
