/** Claims and releases nodes. */
import type { V1Node } from '@kubernetes/client-node';
import type { Effect } from '../../engine/effect.ts';
import type { Claim } from '../../engine/view.ts';
import type { NodeState } from './node-facts.ts';
import { claimPatch, releasePatch } from './node-patches.ts';
import { ACCEPTED, ALREADY, blocked, outcomeOf, STALE } from './outcomes.ts';
import { mergePatch, type Writer, type Written } from './writes.ts';

/** Somebody else holds the host: nothing tells when they are done, so it is asked again at this pace. */
const HELD_PAUSE_MS = 10_000;

export async function claimNode(
  writer: Writer,
  node: NodeState | undefined,
  { revision, claim }: Extract<Effect, { kind: 'claim' }>,
  signal: AbortSignal,
): Promise<Written<V1Node>> {
  if (!node) return { outcome: STALE };
  if (node.claim?.run === claim.run) return { outcome: ALREADY };
  if (node.claim) return { outcome: blocked(heldBy(node.name, node.claim), writer.now() + HELD_PAUSE_MS) };
  if (node.revision !== revision) return { outcome: STALE };
  return patchNode(writer, node, claimPatch(node, claim), `claiming ${node.name}`, signal);
}

export async function releaseNode(
  writer: Writer,
  node: NodeState | undefined,
  { revision, run }: Extract<Effect, { kind: 'release' }>,
  signal: AbortSignal,
): Promise<Written<V1Node>> {
  if (!node) return { outcome: STALE };
  if (node.claim?.run !== run) return { outcome: ALREADY };
  if (node.revision !== revision) return { outcome: STALE };
  return patchNode(writer, node, releasePatch(node, node.claim), `releasing ${node.name}`, signal);
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
  return `${name} is held by strategy ${owner.namespace}/${owner.name}`;
}
