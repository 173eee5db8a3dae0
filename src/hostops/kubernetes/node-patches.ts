/**
 * The patches that claim and release a node. Pure. Each is one merge patch that
 * the API server refuses when the node is another, or has changed, since it was
 * looked at: that also makes it safe to send the list of taints as a whole.
 */
import { CLAIM_ANNOTATION, LEFT_LOCKED_ANNOTATION, MAINTENANCE_TAINT } from '../../crds/names.ts';
import type { OwnerRef } from '../../crds/owner-ref.ts';
import type { Claim } from '../../engine/view.ts';
import { writeClaim } from './claims.ts';
import type { NodeState } from './node-facts.ts';

const TAINT = { key: MAINTENANCE_TAINT, effect: 'NoSchedule' };

/**
 * Says whose the node is; `away` also closes it. A note that it was left locked goes where somebody has opened it since:
 * while it is closed, the note still says why, and it is left closed again.
 */
export function claimPatch(node: NodeState, claim: Claim): object {
  const metadata = guarded(node, {
    ...claimed(node, claim),
    ...(node.leftLocked && !node.closedToNewWork ? { [LEFT_LOCKED_ANNOTATION]: null } : {}),
  });
  if (claim.level === 'touched') return { metadata };
  return { metadata, spec: { unschedulable: true, taints: [...othersTaints(node), TAINT] } };
}

/** Writes the claim again, and nothing else: whether the host is open or closed stays as it is. */
export function adoptPatch(node: NodeState, claim: Claim): object {
  return { metadata: guarded(node, claimed(node, claim)) };
}

/** Closes a claimed node again that somebody opened: whoever had closed it before, now it is we, and it is opened in the end. */
export function recordonPatch(node: NodeState, claim: Claim): object {
  return {
    metadata: guarded(node, claimed(node, { ...claim, closedToNewWorkBefore: false })),
    spec: { unschedulable: true, taints: [...othersTaints(node), TAINT] },
  };
}

/**
 * Takes off what is ours. The node is opened only when we closed it and it is
 * still closed: what somebody opened or had closed stays as it is. A note why it
 * was left locked goes where it is open from then on.
 */
export function releasePatch(
  node: NodeState,
  { level, closedToNewWorkBefore }: Pick<Claim, 'level' | 'closedToNewWorkBefore'>,
): object {
  const open = level === 'away' && !closedToNewWorkBefore && node.closedToNewWork;
  const note = node.leftLocked && (open || !node.closedToNewWork) ? { [LEFT_LOCKED_ANNOTATION]: null } : {};
  const metadata = guarded(node, { [CLAIM_ANNOTATION]: null, ...note });
  const taints = othersTaints(node);
  const spec = {
    ...(open ? { unschedulable: null } : {}),
    ...(taints.length < node.taints.length ? { taints } : {}),
  };
  return Object.keys(spec).length > 0 ? { metadata, spec } : { metadata };
}

/** Leaves the node closed, without an owner: `kubectl uncordon` is enough to open it. */
export function leaveLockedPatch(node: NodeState, note: LeftLocked): object {
  const metadata = guarded(node, {
    [CLAIM_ANNOTATION]: null,
    [LEFT_LOCKED_ANNOTATION]: JSON.stringify(note),
  });
  return { metadata, spec: { taints: othersTaints(node) } };
}

/** What the annotation careen.dev/left-locked says, for people. */
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
