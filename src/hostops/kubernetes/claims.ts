/** The claim as it stands on a node: one annotation, sealed so that an edit or a copy is noticed. Pure. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { OUTAGE_LEVELS } from '../../crds/vocabulary.ts';
import type { Claim } from '../../engine/view.ts';

/** What stands in the place of a claim. `spoilt`: why it is none; nobody acts on it. */
export type ReadClaim =
  | { readonly claim: Claim; readonly spoilt: undefined }
  | { readonly claim: undefined; readonly spoilt: string | undefined };

const NOTHING: ReadClaim = { claim: undefined, spoilt: undefined };

const claimSchema = z.strictObject({
  run: z.string().min(1),
  pool: z.string().min(1),
  epoch: z.int().min(1),
  owner: z.strictObject({
    kind: z.string().min(1),
    namespace: z.string(),
    name: z.string(),
    uid: z.string(),
  }),
  planDigest: z.string(),
  stage: z.int(),
  level: z.enum(OUTAGE_LEVELS),
  closedToNewWorkBefore: z.boolean(),
  since: z.string(),
});
const sealedSchema = claimSchema.extend({ seal: z.string() });

/** The text of the annotation, for this node and no other. */
export function writeClaim(claim: Claim, nodeUid: string): string {
  return JSON.stringify({ ...claim, seal: sealOf(claim, nodeUid) });
}

/** Reads the annotation of a node. What was edited, or copied from another node, is no claim: `spoilt` says so. */
export function readClaim(annotation: string | undefined, nodeUid: string): ReadClaim {
  if (annotation === undefined) return NOTHING;
  const parsed = sealedSchema.safeParse(parseJson(annotation));
  if (!parsed.success) return spoilt('cannot be read');
  const { seal, ...claim } = parsed.data;
  if (seal !== sealOf(claim, nodeUid)) return spoilt('was edited, or copied from another node');
  return { claim, spoilt: undefined };
}

function spoilt(how: string): ReadClaim {
  return { claim: undefined, spoilt: `its annotation careen.dev/claim ${how}` };
}

/** No secret is in it: it tells a mistake, not an attack. Who may write nodes needs no claim to do harm. */
function sealOf(claim: Claim, nodeUid: string): string {
  const { run, pool, epoch, owner, planDigest, stage, level, closedToNewWorkBefore, since } = claim;
  const content = [nodeUid, run, pool, epoch, owner.kind, owner.namespace, owner.name, owner.uid];
  const rest = [planDigest, stage, level, closedToNewWorkBefore, since];
  return createHash('sha256')
    .update(JSON.stringify([...content, ...rest]))
    .digest('hex')
    .slice(0, 16);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
