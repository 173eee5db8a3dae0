/**
 * Reads and writes the claim on a host: one annotation of its Node or of its Lease, with a seal that reveals an edit or a
 * copy. A kubelet may write annotations of its node, so a claim is input: it has the bounds of the records that it stands
 * for. Pure.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ownerRef } from '../crds/owner-ref.ts';
import { objectName, text, time } from '../crds/schema/schema.ts';
import { statusText } from '../crds/text/status-text.ts';
import { CLAIM_LEVELS } from '../crds/vocabulary.ts';
import type { Claim } from '../engine/view.ts';

/** The content of the annotation. `spoilt` says why it is not a claim; nobody acts on it then. */
export type ReadClaim =
  | { readonly claim: Claim; readonly spoilt: undefined }
  | { readonly claim: undefined; readonly spoilt: string | undefined };

const NOTHING: ReadClaim = { claim: undefined, spoilt: undefined };

const claimSchema = z.strictObject({
  run: text(36),
  pool: objectName(),
  epoch: z.int().min(1).max(2147483647),
  owner: ownerRef.strict(),
  planDigest: z.string().max(80),
  stage: z.int().min(0).max(9999),
  level: z.enum(CLAIM_LEVELS),
  closedToNewWorkBefore: z.boolean(),
  since: time(),
  stopsInstances: z.literal(true).optional(),
});
const sealedSchema = claimSchema.extend({ seal: z.string() });

/** The text of the annotation, valid for the host of this uid only. */
export function writeClaim(claim: Claim, hostUid: string): string {
  return JSON.stringify({ ...claim, seal: sealOf(claim, hostUid) });
}

/** Reads the annotation. It is no claim if it was edited, or copied from another host: `spoilt` says so. */
export function readClaim(annotation: string | undefined, hostUid: string): ReadClaim {
  if (annotation === undefined) return NOTHING;
  const parsed = sealedSchema.safeParse(parseJson(annotation));
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.join('.');
    return spoilt(
      field
        ? `cannot be read: its field ${statusText(field, 40)} is not as Careen writes it`
        : 'cannot be read',
    );
  }
  const { seal, ...claim } = parsed.data;
  if (seal !== sealOf(claim, hostUid)) return spoilt('was edited, or copied from another host');
  return { claim, spoilt: undefined };
}

function spoilt(how: string): ReadClaim {
  return { claim: undefined, spoilt: `its annotation careen.dev/claim ${how}` };
}

/** The seal has no secret: it detects a mistake, not an attack. A writer of nodes can do harm without a claim. */
function sealOf(claim: Claim, hostUid: string): string {
  const { run, pool, epoch, owner, planDigest, stage, level, closedToNewWorkBefore, since } = claim;
  const content = [hostUid, run, pool, epoch, owner.kind, owner.namespace, owner.name, owner.uid];
  // Left out where it is not so: the claims of earlier versions keep their seals.
  const stops = claim.stopsInstances ? ['stops'] : [];
  const rest = [planDigest, stage, level, closedToNewWorkBefore, since, ...stops];
  return createHash('sha256')
    .update(JSON.stringify([...content, ...rest]))
    .digest('hex')
    .slice(0, 16);
}

/** Whether a run takes a host out of service that it has closed: its claim is replaced. */
export function takesClosed(
  before: Pick<Claim, 'run' | 'level'>,
  after: Pick<Claim, 'run' | 'level'>,
): boolean {
  return before.run === after.run && before.level === 'closed' && after.level === 'away';
}

/** The value of a JSON text; undefined for any other text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
