import type { V1Node } from '@kubernetes/client-node';
import { mayArrive } from '../../engine/run/prior-state.ts';
import { call } from '../../kube/client.ts';
import { mergePatch, retryOnConflict, type Writer } from '../../kube/writes.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { Adoption } from '../port.ts';
import { nodeState } from './node-facts.ts';
import { adoptPatch, claimPatch } from './node-patches.ts';

/**
 * Writes the claim of a node again under another epoch, or makes the claim if it may be in flight. Resolves with the
 * node as it is then, newer than any watch; undefined when there is no such node.
 */
export async function adoptNode(
  writer: Writer,
  host: HostName,
  { claim, uid, makeIfMissing }: Adoption,
  signal: AbortSignal,
): Promise<V1Node | undefined> {
  const path = `/api/v1/nodes/${host}`;
  return retryOnConflict(`node ${host}`, async () => {
    const read = await call<V1Node>(writer.config, { method: 'GET', path }, signal);
    const node = nodeState(read);
    if (uid !== undefined && node.uid !== uid) return read;
    const held = node.claim;
    if (held ? held.run !== claim.run : !makeIfMissing || !mayArrive(node, claim)) return read;
    const patch = held ? adoptPatch(node, { ...held, epoch: claim.epoch }) : claimPatch(node, claim);
    return mergePatch<V1Node>(writer, path, patch, signal);
  });
}
