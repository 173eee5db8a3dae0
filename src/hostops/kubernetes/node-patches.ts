/**
 * The patches that claim and release a node. Pure. Each is one merge patch with
 * the observed uid and revision: the API server refuses it when the node was
 * replaced or changed. So it is safe to send the whole list of taints.
 */
import { CLAIM_ANNOTATION, LEFT_LOCKED_ANNOTATION, MAINTENANCE_TAINT } from '../../crds/names.ts';
import type { OwnerRef } from '../../crds/owner-ref.ts';
import type { Claim } from '../../engine/view.ts';
import { writeClaim } from '../claims.ts';
import type { NodeState } from './node-facts.ts';

const TAINT = { key: MAINTENANCE_TAINT, effect: 'NoSchedule' };

/**
 * Writes the claim; level `away` also cordons the node. It removes a left-locked note if somebody has uncordoned the
 * node since. While the node is cordoned, the note still says why, and the release leaves the node cordoned.
 */
export function claimPatch(node: NodeState, claim: Claim): object {
  const metadata = guarded(node, {
    ...claimed(node, claim),
    ...(node.leftLocked && !node.closedToNewWork ? { [LEFT_LOCKED_ANNOTATION]: null } : {}),
  });
  if (claim.level === 'touched') return { metadata };
  return { metadata, spec: { unschedulable: true, taints: [...othersTaints(node), TAINT] } };
}

/** Writes the claim again, and nothing else: the node stays cordoned or uncordoned. */
export function adoptPatch(node: NodeState, claim: Claim): object {
  return { metadata: guarded(node, claimed(node, claim)) };
}

/**
 * Cordons a claimed node again after somebody uncordoned it. The cordon is then Careen's, even if the node was cordoned
 * before its claim, so the release uncordons the node.
 */
export function recordonPatch(node: NodeState, claim: Claim): object {
  return {
    metadata: guarded(node, claimed(node, { ...claim, closedToNewWorkBefore: false })),
    spec: { unschedulable: true, taints: [...othersTaints(node), TAINT] },
  };
}

/**
 * Removes the claim and the taint. The node is uncordoned only if Careen
 * cordoned it and it is still cordoned; otherwise it stays as it is. A
 * left-locked note is removed if the node is uncordoned afterwards.
 */
export function releasePatch(
  node: NodeState,
  { level, closedToNewWorkBefore }: Pick<Claim, 'level' | 'closedToNewWorkBefore'>,
): object {
  const open = level !== 'touched' && !closedToNewWorkBefore && node.closedToNewWork;
  const note = node.leftLocked && (open || !node.closedToNewWork) ? { [LEFT_LOCKED_ANNOTATION]: null } : {};
  const metadata = guarded(node, { [CLAIM_ANNOTATION]: null, ...note });
  const taints = othersTaints(node);
  const spec = {
    ...(open ? { unschedulable: null } : {}),
    ...(taints.length < node.taints.length ? { taints } : {}),
  };
  return Object.keys(spec).length > 0 ? { metadata, spec } : { metadata };
}

/** Leaves the node cordoned, without an owner: `kubectl uncordon` is enough to return it to service. */
export function leaveLockedPatch(node: NodeState, note: LeftLocked): object {
  const metadata = guarded(node, {
    [CLAIM_ANNOTATION]: null,
    [LEFT_LOCKED_ANNOTATION]: JSON.stringify(note),
  });
  return { metadata, spec: { taints: othersTaints(node) } };
}

/** The content of the annotation careen.dev/left-locked, for people. */
export type LeftLocked = { readonly run: string; readonly owner: OwnerRef; readonly reason: string };

function claimed({ uid }: NodeState, claim: Claim): Record<string, string> {
  return { [CLAIM_ANNOTATION]: writeClaim(claim, uid) };
}

function guarded({ uid, revision }: NodeState, annotations: Readonly<Record<string, string | null>>): object {
  return { uid, resourceVersion: revision, annotations };
}

function othersTaints({ taints }: NodeState): NodeState['taints'] {
  return taints.filter(({ key }) => key !== MAINTENANCE_TAINT);
}
