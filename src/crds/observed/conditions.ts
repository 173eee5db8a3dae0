import { z } from 'zod';
import { generation, time } from '../schema/schema.ts';
import { LONGEST_TEXT, statusText } from '../text/status-text.ts';

/**
 * Conditions as kstatus reads them. `Ready` is True when the requested work is
 * finished. `Reconciling` is True while work continues, `Stalled` while it
 * cannot. `ForeignUncordon`, on strategies, is True while Careen works on a host
 * that somebody uncordoned. `Drifted`, on strategies that are applied, is True
 * while hosts lack a patch or the release: they joined since, or have changed.
 */
export const CONDITION_TYPES = ['Ready', 'Reconciling', 'Stalled', 'ForeignUncordon', 'Drifted'] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];

/** The closed set of reasons. Messages may change at any release, these may not. */
export const REASONS = [
  'Building',
  'BuildFailed',
  'PoolNotFound',
  'PassFailed',
  'AwaitingApproval',
  'OtherPlanPinned',
  'LimitBelowStage',
  'AbortOrdered',
  'Beginning',
  'NothingToDo',
  'NoHosts',
  'Applying',
  'WaitingForPermits',
  'DrainBlocked',
  'JobNotStarted',
  'WaitingForPerson',
  'HostClaimed',
  'HostUnwell',
  'PausedAtStage',
  'ThroughStageReached',
  'Applied',
  'ApplyFailed',
  'Aborting',
  'Aborted',
  'AbortFailed',
  'Suspended',
  'HostUncordoned',
  'HostsLackPatches',
  'HostsLackRelease',
  'HostsHaveRelease',
  'NotPermitted',
  'NamespaceNotPrepared',
  'SpecUnreadable',
  'KindsOutdated',
  'Serving',
  'Paused',
  'Overlap',
  'ProviderUnavailable',
  'AsExpected',
] as const;
export type Reason = (typeof REASONS)[number];

export const condition = z
  .object({
    type: z.enum(CONDITION_TYPES).describe('The type of the condition.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether the condition holds.'),
    reason: z.enum(REASONS).describe('The reason, as one word of a closed set.'),
    message: z.string().max(LONGEST_TEXT).describe('The reason, as text for people.'),
    observedGeneration: generation().describe('The generation of the object that the condition describes.'),
    lastTransitionTime: time().describe('When the status of the condition last changed.'),
  })
  .describe('One condition.');
export type Condition = z.infer<typeof condition>;

/** A list of conditions, one of each type. */
export function conditionsOfForm<Form extends z.ZodType>(form: Form): z.ZodArray<Form> {
  return z
    .array(form)
    .max(8)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] });
}

export const conditionList = conditionsOfForm(condition);

type Wish = Pick<Condition, 'status' | 'message'> & { readonly type: string };

/** The wanted content of a condition; the rest follows from the previous condition of its type. */
export type DesiredCondition = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** Makes the wanted conditions. Each keeps its `lastTransitionTime` while its status stays the same. */
export function updateConditions<const W extends Wish>(
  before: readonly (Wish & Pick<Condition, 'lastTransitionTime'>)[],
  desired: readonly W[],
  observedGeneration: number,
  now: string,
): (W & Pick<Condition, 'observedGeneration' | 'lastTransitionTime'>)[] {
  return desired.map((wish) => {
    const old = before.find((each) => each.type === wish.type);
    const lastTransitionTime = old?.status === wish.status ? old.lastTransitionTime : now;
    return {
      ...wish,
      message: statusText(wish.message, LONGEST_TEXT),
      observedGeneration,
      lastTransitionTime,
    };
  });
}
