/** Claims and releases nodes. */
import type { V1Node } from '@kubernetes/client-node';
import { ownerText } from '../../crds/owner-ref.ts';
import type { Effect } from '../../engine/effect.ts';
import type { Claim } from '../../engine/view.ts';
import type { NodeState } from './node-facts.ts';
import { claimPatch, leaveLockedPatch, recordonPatch, releasePatch } from './node-patches.ts';
import { takesClosed } from '../claims.ts';
import { ACCEPTED, ALREADY, blocked, outcomeOf, STALE, type Written } from '../outcomes.ts';
import type { Fence } from '../port.ts';
import { mergePatch, type Writer } from '../../kube/writes.ts';

/** Another run holds the host, and no event reports its end. The claim is retried at this interval. */
const HELD_PAUSE_MS = 10_000;

export async function claimNode(
  writer: Writer,
  node: NodeState | undefined,
  { revision, claim }: Extract<Effect, { kind: 'claim' }>,
  signal: AbortSignal,
): Promise<Written<V1Node>> {
  if (!node) return { outcome: STALE };
  const takes = node.claim !== undefined && takesClosed(node.claim, claim);
  if (node.claim?.run === claim.run && !takes) return { outcome: ALREADY };
  if (node.claim && !takes)
    return { outcome: blocked(heldBy(node.name, node.claim), writer.now() + HELD_PAUSE_MS) };
  if (node.spoiltClaim !== undefined || node.revision !== revision) return { outcome: STALE };
  return patchNode(writer, node, claimPatch(node, claim), `claiming ${node.name}`, signal);
}

/**
 * Releases a node into its state before the claim. The record of the run (`closedToNewWorkBefore`) decides. Without a
 * record the claim decides, on a node that has our taint: a kubelet may write a claim, but no taint. On a node without a
 * claim that somebody has uncordoned, it removes the left-locked note.
 */
export async function releaseNode(
  writer: Writer,
  node: NodeState | undefined,
  { revision, run, closedToNewWorkBefore }: Extract<Effect, { kind: 'release' }>,
  signal: AbortSignal,
): Promise<Written<V1Node>> {
  if (!node) return { outcome: STALE };
  const before = node.claim
    ? {
        ...node.claim,
        closedToNewWorkBefore:
          closedToNewWorkBefore ?? (node.claim.closedToNewWorkBefore || !node.hasMaintenanceMark),
      }
    : (lostClaim(node, closedToNewWorkBefore) ?? openedNote(node));
  if (!before || (node.claim && node.claim.run !== run)) return { outcome: ALREADY };
  if (node.revision !== revision) return { outcome: STALE };
  return patchNode(writer, node, releasePatch(node, before), `releasing ${node.name}`, signal);
}

export async function recordonNode(
  writer: Writer,
  node: NodeState | undefined,
  { revision, run }: Extract<Effect, { kind: 'recordon' }>,
  signal: AbortSignal,
): Promise<Written<V1Node>> {
  if (node?.claim?.run !== run || node.revision !== revision) return { outcome: STALE };
  if (node.closedToNewWork) return { outcome: ALREADY };
  return patchNode(writer, node, recordonPatch(node, node.claim), `cordoning ${node.name} again`, signal);
}

/** Leaves the node cordoned for a person to inspect, with a note that names its owner and the reason. */
export async function leaveNodeLocked(
  writer: Writer,
  node: NodeState | undefined,
  { revision, run, reason }: Extract<Effect, { kind: 'leave-locked' }>,
  { owner }: Fence,
  signal: AbortSignal,
): Promise<Written<V1Node>> {
  if (!node) return { outcome: STALE };
  const { claim, hasMaintenanceMark, spoiltClaim } = node;
  if (claim ? claim.run !== run : !hasMaintenanceMark && spoiltClaim === undefined)
    return { outcome: ALREADY };
  if (node.revision !== revision) return { outcome: STALE };
  const note = { run, owner, reason };
  return patchNode(writer, node, leaveLockedPatch(node, note), `leaving ${node.name} locked`, signal);
}

/** The content of a claim that somebody removed or spoilt. Only our mark shows then that Careen cordoned the node. */
function lostClaim(
  { hasMaintenanceMark, spoiltClaim }: NodeState,
  closedToNewWorkBefore: boolean | undefined,
): Pick<Claim, 'level' | 'closedToNewWorkBefore'> | undefined {
  const isLost = hasMaintenanceMark || spoiltClaim !== undefined;
  return isLost && closedToNewWorkBefore !== undefined
    ? { level: hasMaintenanceMark ? 'away' : 'touched', closedToNewWorkBefore }
    : undefined;
}

/** A note on a node that is open is no longer true; nothing else of the node changes. */
function openedNote({
  leftLocked,
  closedToNewWork,
}: NodeState): Pick<Claim, 'level' | 'closedToNewWorkBefore'> | undefined {
  return leftLocked && !closedToNewWork ? { level: 'touched', closedToNewWorkBefore: true } : undefined;
}

async function patchNode(
  writer: Writer,
  { name }: NodeState,
  patch: object,
  what: string,
  signal: AbortSignal,
): Promise<Written<V1Node>> {
  try {
    const object = await mergePatch<V1Node>(writer, `/api/v1/nodes/${name}`, patch, signal);
    return { outcome: ACCEPTED, object };
  } catch (error) {
    return { outcome: outcomeOf(error, what, writer.now()) };
  }
}

function heldBy(name: string, { owner }: Claim): string {
  return `${name} is held by ${ownerText(owner)}`;
}
