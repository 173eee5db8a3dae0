/**
 * A strategy as the API server returns it. Another version of Careen may have left a spec that this one cannot read:
 * the strategy still releases its hosts, and its status says what is wrong.
 */
import { z } from 'zod';
import { beyondBounds } from '../crds/bounds.ts';
import { DEFAULT_POOL, KEPT_STATUS, PATCH_STRATEGY } from '../crds/names.ts';
import type { OwnerRef } from '../crds/owner-ref.ts';
import { patchStrategySpec, type PatchStrategySpec } from '../crds/patch-strategy-spec.ts';
import { patchStrategyStatus, type PatchStrategyStatus } from '../crds/patch-strategy-status.ts';
import { statusText } from '../crds/status-text.ts';
import { isPartOf } from './lost-fields.ts';

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
  /**
   * The message of the stored status, while that only says that the kind is outdated. `status` is then the status as it
   * was before, and must be stored again before the work continues.
   */
  readonly suspendedBy?: string;
};

/** The strategy as the owner of the permits, claims and Jobs of its run. */
export function ownerOf({ metadata: { namespace, name, uid } }: Pick<PatchStrategy, 'metadata'>): OwnerRef {
  return { kind: PATCH_STRATEGY, namespace, name, uid };
}

const besideSpec = z
  .object({ metadata, status: z.unknown().optional() })
  .transform(({ metadata: meta, status }) => {
    // An unreadable status counts as none, so the plan is built again.
    const stored = patchStrategyStatus.default({}).catch({}).parse(status);
    const read = keptStatus(status) ?? { status: stored };
    const isCopied =
      read.status.uid === undefined ? isOlderThan(meta, read.status) : read.status.uid !== meta.uid;
    return isCopied ? { metadata: meta, status: {}, copiedStatus: stored } : { metadata: meta, ...read };
  });

/** A status without a uid may be from kinds that are older than the field. No run is older than its own object. */
function isOlderThan({ creationTimestamp }: Metadata, { run }: PatchStrategyStatus): boolean {
  return run !== undefined && Date.parse(run.builtAt) < Date.parse(creationTimestamp);
}

const keptStatusSchema = z.object({
  message: z.string(),
  run: z.object({ actions: z.object({ [KEPT_STATUS]: patchStrategyStatus }) }),
});

/**
 * The status that was kept while the kind was outdated. Another version of Careen may have continued the run meanwhile:
 * the stored status is then more than what the API server left of the kept one, and counts.
 */
function keptStatus(stored: unknown): Pick<PatchStrategy, 'status' | 'suspendedBy'> | undefined {
  const read = keptStatusSchema.safeParse(stored).data;
  if (!read) return undefined;
  const { message, run } = read;
  const kept = run.actions[KEPT_STATUS];
  const { conditions: _said, message: _too, observedGeneration: _seen, ...left } = withoutKept(stored);
  return isPartOf(left, kept) ? { status: kept, suspendedBy: message } : undefined;
}

function withoutKept(stored: unknown): Readonly<Record<string, unknown>> {
  const text = JSON.stringify(stored, (key, value: unknown) => (key === KEPT_STATUS ? undefined : value));
  return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
}

/** The strategy after a write that its resourceVersion guarded and that did not change the spec. */
export function afterWrite(before: PatchStrategy, answer: unknown): PatchStrategy {
  const { suspendedBy: _over, copiedStatus: _copy, ...rest } = before;
  return { ...rest, ...besideSpec.parse(answer) };
}

export const patchStrategy = z
  .looseObject({ spec: z.unknown() })
  .transform(({ spec, ...rest }): PatchStrategy => {
    const beside = besideSpec.parse(rest);
    const beyond = beyondBounds(spec, 'spec');
    if (beyond !== undefined) return { ...beside, spec: substituteFor(spec), unreadable: unreadable(beyond) };
    const read = patchStrategySpec.safeParse(spec);
    if (read.success) return { ...beside, spec: read.data };
    return { ...beside, spec: substituteFor(spec), unreadable: complaint(read.error) };
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

/** Why a stored spec cannot be read: the first problems, in one sentence. */
export function complaint({ issues }: z.ZodError): string {
  const problems = issues
    .slice(0, NAMED_PROBLEMS)
    .map(({ path, message }) => `${statusText(['spec', ...path].join('.'), 200)}: ${message}`);
  const more = issues.length > NAMED_PROBLEMS ? ` and ${String(issues.length - NAMED_PROBLEMS)} more` : '';
  return unreadable(`${problems.join('; ')}${more}`);
}

function unreadable(why: string): string {
  return statusText(`the spec cannot be read by this version of Careen: ${why}`);
}

const NAMED_PROBLEMS = 5;
