/**
 * A strategy as the API server gives it. Also one whose spec cannot be read, as a newer or older version of the kind
 * may have left it: what it has taken is given back all the same, and it is told what is wrong.
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
  readonly status: PatchStrategyStatus;
  /** Why the spec cannot be read; `spec` stands in for it, and begins nothing. */
  readonly unreadable?: string;
};

/** The strategy as the owner of what its run has taken. */
export function ownerOf({ metadata: { namespace, name, uid } }: Pick<PatchStrategy, 'metadata'>): OwnerRef {
  return { kind: PATCH_STRATEGY, namespace, name, uid };
}

const besideSpec = z.object({
  metadata,
  // A status that somebody spoilt counts as none: then the plan is built again.
  status: patchStrategyStatus.default({}).catch({}),
});

/** A strategy as it is after a write that was guarded by its version, and left the spec alone. */
export function afterWrite(before: PatchStrategy, answer: unknown): PatchStrategy {
  return { ...before, ...besideSpec.parse(answer) };
}

export const patchStrategy = besideSpec
  .extend({ spec: z.unknown() })
  .transform(({ spec, ...rest }): PatchStrategy => {
    const read = patchStrategySpec.safeParse(spec);
    if (read.success) return { ...rest, spec: read.data };
    return { ...rest, spec: standIn(spec), unreadable: complaint(read.error) };
  });

const NOTHING = { poolRef: DEFAULT_POOL, execution: { mode: 'Hold' } } as const;
/** What stops a run is heard as long as it can be read; nothing else of such a spec is. */
const orders = z
  .object({
    poolRef: z.string().catch(NOTHING.poolRef),
    execution: z.object({ mode: z.enum(['Hold', 'Suspend', 'Abort']) }).catch(NOTHING.execution),
  })
  .catch(NOTHING);

function standIn(spec: unknown): PatchStrategySpec {
  return { ...patchStrategySpec.omit({ patches: true }).parse(orders.parse(spec)), patches: [] };
}

function complaint({ issues }: z.ZodError): string {
  const told = issues.map(({ path, message }) => `${['spec', ...path].join('.')}: ${message}`);
  return truncate(`the spec cannot be read by this version of Careen: ${told.join('; ')}`);
}
