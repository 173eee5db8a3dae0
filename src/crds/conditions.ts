import { z } from 'zod';
import { generation, time } from './schema.ts';

/**
 * Conditions as kstatus reads them: `Ready` is True when what was asked for is
 * finished; `Reconciling` and `Stalled` are True while work goes on, or cannot.
 * `ForeignUncordon`, on strategies, is True while a host is worked on that
 * somebody uncordoned.
 */
export const CONDITION_TYPES = ['Ready', 'Reconciling', 'Stalled', 'ForeignUncordon'] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];

/** The closed set of reasons. Messages may change at any release, these may not. */
export const REASONS = [
  'Building',
  'BuildFailed',
  'PoolNotFound',
  'AwaitingApproval',
  'NothingToDo',
  'Applying',
  'PausedAtStage',
  'Applied',
  'ApplyFailed',
  'Aborting',
  'Aborted',
  'AbortFailed',
  'Suspended',
  'HostUncordoned',
  'NotPermitted',
  'NamespaceNotPrepared',
  'Serving',
  'Paused',
  'Overlap',
  'AsExpected',
] as const;
export type Reason = (typeof REASONS)[number];

export const condition = z
  .object({
    type: z.enum(CONDITION_TYPES).describe('Which condition this is.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
    reason: z.enum(REASONS).describe('Why, as one word of a closed set.'),
    message: z.string().max(4096).describe('Why, in words for people.'),
    observedGeneration: generation().describe('The generation of the object that this is about.'),
    lastTransitionTime: time().describe('When the status of the condition last changed.'),
  })
  .describe('One condition.');
export type Condition = z.infer<typeof condition>;

export const conditionList = z
  .array(condition)
  .max(8)
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] });

/** What the conditions are to say; the rest of a condition follows from the one before it. */
export type DesiredCondition = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** Carries each condition's `lastTransitionTime` over unless its status flips. */
export function updateConditions(
  before: readonly Condition[],
  wishes: readonly DesiredCondition[],
  observedGeneration: number,
  now: string,
): Condition[] {
  return wishes.map((wish) => {
    const old = before.find((each) => each.type === wish.type);
    const lastTransitionTime = old?.status === wish.status ? old.lastTransitionTime : now;
    return { ...wish, observedGeneration, lastTransitionTime };
  });
}
