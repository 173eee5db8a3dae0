/**
 * A strategy as the API server returns it. Another version of Careen may have left a spec that this one cannot read:
 * the strategy still releases its hosts, and its status says what is wrong.
 */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { beyondBounds } from '../crds/spec/bounds.ts';
import { DEFAULT_POOL, KEPT_STATUS } from '../crds/names.ts';
import type { OwnerRef } from '../crds/owner-ref.ts';
import { patchStrategySpec } from '../crds/spec/patch-strategy-spec.ts';
import { STRATEGY_KINDS, type StrategyKindName } from '../crds/strategy-kinds.ts';
import type { StrategySpec } from '../crds/spec/strategy-spec.ts';
import { anyStatus, type StrategyStatus } from '../crds/observed/strategy-status.ts';
import { statusText } from '../crds/text/status-text.ts';
import { isPartOf } from './lost-fields.ts';

export const metadata = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  uid: z.string(),
  resourceVersion: z.string(),
  generation: z.int(),
  creationTimestamp: z.string(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).default({}),
  ownerReferences: z.array(z.object({ controller: z.boolean().optional() })).optional(),
  deletionTimestamp: z.unknown().optional(),
  finalizers: z.array(z.string()).default([]),
  managedFields: z
    .array(z.object({ time: z.string().optional(), fieldsV1: z.record(z.string(), z.unknown()).default({}) }))
    .optional(),
});
export type Metadata = z.infer<typeof metadata>;

export type Strategy = {
  readonly kind: StrategyKindName;
  readonly metadata: Metadata;
  readonly spec: StrategySpec;
  /** Empty when nothing is stored, or only the status of another object. */
  readonly status: StrategyStatus;
  /**
   * The status as it is stored, where that is more than `status`: it is of another object, copied with it or restored
   * under a new uid, cannot be read, or has fields of another version. The next write of the status replaces it.
   */
  readonly replacedStatus?: Json;
  /** Why the spec cannot be read; `spec` is then a substitute that begins nothing. */
  readonly unreadable?: string;
  /**
   * The message of the stored status, while that only says that the kind is outdated. `status` is then the status as it
   * was before, and must be stored again before the work continues.
   */
  readonly suspendedBy?: string;
};

/** The strategy as the owner of the permits, claims and Jobs of its run. */
export function ownerOf({
  kind,
  metadata: { namespace, name, uid },
}: Pick<Strategy, 'kind' | 'metadata'>): OwnerRef {
  return { kind, namespace, name, uid };
}

type Json = Readonly<Record<string, unknown>>;

const besideSpec = z
  .object({ metadata, status: z.record(z.string(), z.unknown()).default({}).catch({}) })
  .transform(({ metadata: meta, status: stored }) => {
    // An unreadable status counts as none, so the plan is built again.
    const parsed = anyStatus.catch({}).parse(withoutKept(stored));
    const read = keptStatus(stored) ?? { status: parsed };
    const isCopied =
      read.status.uid === undefined ? isOlderThan(meta, read.status) : read.status.uid !== meta.uid;
    const counted = isCopied ? { status: {} } : read;
    const replaced = isDeepStrictEqual(counted.status, stored) ? {} : { replacedStatus: stored };
    return { metadata: meta, ...counted, ...replaced };
  });

/** A status without a uid may be from kinds that are older than the field. No run is older than its own object. */
function isOlderThan({ creationTimestamp }: Metadata, { run }: StrategyStatus): boolean {
  return run !== undefined && Date.parse(run.builtAt) < Date.parse(creationTimestamp);
}

const keptStatusSchema = z.object({
  message: z.string(),
  run: z.object({ actions: z.object({ [KEPT_STATUS]: anyStatus }) }),
});

/**
 * The status that was kept while the kind was outdated. Another version of Careen may have continued the run meanwhile:
 * the stored status is then more than what the API server left of the kept one, and counts.
 */
function keptStatus(stored: Json): Pick<Strategy, 'status' | 'suspendedBy'> | undefined {
  const read = keptStatusSchema.safeParse(stored).data;
  if (!read) return undefined;
  const { message, run } = read;
  const kept = run.actions[KEPT_STATUS];
  return isLeftOf(stored, kept) ? { status: kept, suspendedBy: message } : undefined;
}

/** Whether a stored status is what the API server left of another one, besides what says that the kind is outdated. */
export function isLeftOf(stored: Json, whole: StrategyStatus): boolean {
  const { conditions: _said, message: _too, observedGeneration: _seen, ...left } = withoutKept(stored);
  return isPartOf(left, whole);
}

function withoutKept(stored: Json): Json {
  const { run } = stored;
  if (!isJson(run) || !isJson(run['actions']) || !(KEPT_STATUS in run['actions'])) return stored;
  const { [KEPT_STATUS]: _kept, ...actions } = run['actions'];
  return { ...stored, run: { ...run, actions } };
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The strategy after a write that its resourceVersion guarded and that did not change the spec.
 * @param sent the status that the write stored, or left as it is. Only another one in the answer has to be read.
 */
export function afterWrite(before: Strategy, answer: unknown, sent: StrategyStatus): Strategy {
  const { suspendedBy: _over, replacedStatus: _replaced, ...rest } = before;
  const asSent = answered.safeParse(answer).data;
  if (asSent && isDeepStrictEqual(asSent.status, sent))
    return { ...rest, metadata: asSent.metadata, status: sent };
  return { ...rest, ...besideSpec.parse(answer) };
}

const answered = z.object({ metadata, status: z.record(z.string(), z.unknown()) });

/** Reads an object of a kind, as the API server returns it. Throws ZodError when it is none. */
export function strategySchema(kind: StrategyKindName): z.ZodType<Strategy> {
  const { readSpec } = STRATEGY_KINDS[kind];
  return z.looseObject({ spec: z.unknown() }).transform(({ spec, ...rest }): Strategy => {
    const beside = { kind, ...besideSpec.parse(rest) };
    const beyond = beyondBounds(spec, 'spec');
    if (beyond !== undefined) return { ...beside, spec: substituteFor(spec), unreadable: unreadable(beyond) };
    const read = readSpec.safeParse(spec);
    if (read.success) return { ...beside, spec: read.data };
    return { ...beside, spec: substituteFor(spec), unreadable: complaint(read.error) };
  });
}

export const patchStrategy = strategySchema('PatchStrategy');

const NOTHING = { poolRef: DEFAULT_POOL, execution: { mode: 'Hold' } } as const;
/** An order that stops a run counts if it can be read. The rest of an unreadable spec is ignored. */
const orders = z
  .object({
    poolRef: z.string().catch(NOTHING.poolRef),
    execution: z.object({ mode: z.enum(['Hold', 'Suspend', 'Abort']) }).catch(NOTHING.execution),
  })
  .catch(NOTHING);

function substituteFor(spec: unknown): StrategySpec {
  const order = patchStrategySpec.omit({ patches: true, defaultInstanceAction: true, profile: true });
  return { ...order.parse(orders.parse(spec)), patches: [] };
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
