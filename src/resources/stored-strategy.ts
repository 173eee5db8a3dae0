/**
 * A strategy as the API server returns it. Another version of Careen may have left a spec that this one cannot read:
 * the strategy still releases its hosts, and its status says what is wrong.
 */
import { z } from 'zod';
import { DEFAULT_POOL, PATCH_STRATEGY } from '../crds/names.ts';
import type { OwnerRef } from '../crds/owner-ref.ts';
import { patchStrategySpec, type PatchStrategySpec } from '../crds/patch-strategy-spec.ts';
import { patchStrategyStatus, type PatchStrategyStatus } from '../crds/patch-strategy-status.ts';
import { truncate } from '../crds/truncate.ts';

export const metadata = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  uid: z.string(),
  resourceVersion: z.string(),
  generation: z.int(),
  creationTimestamp: z.string(),
  annotations: z.record(z.string(), z.string()).default({}),
  deletionTimestamp: z.unknown().optional(),
  finalizers: z.array(z.string()).default([]),
});
export type Metadata = z.infer<typeof metadata>;

export type PatchStrategy = {
  readonly metadata: Metadata;
  readonly spec: PatchStrategySpec;
  /** Empty when nothing is stored, or only the status of another object. */
  readonly status: PatchStrategyStatus;
  /** The stored status of another object, copied with it or restored under a new uid. The first write replaces it. */
  readonly copiedStatus?: PatchStrategyStatus;
  /** Why the spec cannot be read; `spec` is then a substitute that begins nothing. */
  readonly unreadable?: string;
};

/** The strategy as the owner of the permits, claims and Jobs of its run. */
export function ownerOf({ metadata: { namespace, name, uid } }: Pick<PatchStrategy, 'metadata'>): OwnerRef {
  return { kind: PATCH_STRATEGY, namespace, name, uid };
}

const stored = z.object({
  metadata,
  // An unreadable status counts as none, so the plan is built again.
  status: patchStrategyStatus.default({}).catch({}),
  spec: z.unknown(),
});

/** A status without a uid may be from kinds that are older than the field, so it counts. */
function besideSpec({
  metadata,
  status,
}: z.infer<typeof stored>): Omit<PatchStrategy, 'spec' | 'unreadable'> {
  const isCopied = status.uid !== undefined && status.uid !== metadata.uid;
  return isCopied ? { metadata, status: {}, copiedStatus: status } : { metadata, status };
}

/** The strategy after a write that its resourceVersion guarded and that did not change the spec. */
export function afterWrite(before: PatchStrategy, answer: unknown): PatchStrategy {
  const { copiedStatus: _, ...kept } = before;
  return { ...kept, ...besideSpec(stored.parse(answer)) };
}

export const patchStrategy = stored.transform((object): PatchStrategy => {
  const rest = besideSpec(object);
  const read = patchStrategySpec.safeParse(object.spec);
  if (read.success) return { ...rest, spec: read.data };
  return { ...rest, spec: substituteFor(object.spec), unreadable: complaint(read.error) };
});

const NOTHING = { poolRef: DEFAULT_POOL, execution: { mode: 'Hold' } } as const;
/** An order that stops a run counts if it can be read. The rest of an unreadable spec is ignored. */
const orders = z
  .object({
    poolRef: z.string().catch(NOTHING.poolRef),
    execution: z.object({ mode: z.enum(['Hold', 'Suspend', 'Abort']) }).catch(NOTHING.execution),
  })
  .catch(NOTHING);

function substituteFor(spec: unknown): PatchStrategySpec {
  return { ...patchStrategySpec.omit({ patches: true }).parse(orders.parse(spec)), patches: [] };
}

function complaint({ issues }: z.ZodError): string {
  const problems = issues.map(({ path, message }) => `${['spec', ...path].join('.')}: ${message}`);
  return truncate(`the spec cannot be read by this version of Careen: ${problems.join('; ')}`);
}
