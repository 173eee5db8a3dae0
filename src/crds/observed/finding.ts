/** What will block a plan or hurt it, as `careen plan` prints it and the status of a strategy shows it. */
import { z } from 'zod';
import { text } from '../schema/schema.ts';

/** blocks: the run waits for the remedy. warns: the run may differ from the expectation. tells: information only. */
export const FINDING_SEVERITIES = ['blocks', 'warns', 'tells'] as const;

/** The closed set of reasons: docs/reference/plan-preview.md. */
const FINDING_REASONS = [
  'NotPermitted',
  'NoHosts',
  'HostUnwell',
  'PoolPaused',
  'PoolOverlap',
  'LimitReached',
  'ClaimSpoilt',
  'ClaimedByOther',
  'HostWithoutRole',
  'FactUnknown',
  'HostCordoned',
  'PodsNeedConsent',
  'BudgetExhausted',
  'InstancesStuck',
  'NoTarget',
  'CapacityShort',
  'CapacityUnknown',
  'LimitRounded',
  'StageCut',
  'NoWayBack',
  'VersionSkew',
  'RemovedApis',
  'ApisNotChecked',
  'BuildsDiffer',
  'ReleaseNotShown',
  'ImagesDiffer',
  'StageMissing',
  'StagedForOther',
  'QuorumAtRisk',
] as const;

/** How many findings a status holds, and how many subjects of each. */
export const KEPT_FINDINGS = 16;
export const KEPT_SUBJECTS = 10;

const finding = z
  .object({
    severity: z
      .enum(FINDING_SEVERITIES)
      .describe(
        'blocks: the run waits for the remedy. warns: the run may differ from the expectation. ' +
          'tells: information only.',
      ),
    reason: z.enum(FINDING_REASONS).describe('The kind of the finding, as one word of a closed set.'),
    subjects: z
      .array(text(400))
      .max(KEPT_SUBJECTS)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe(
        `The affected objects: hosts, APIs, or one "HostPool NAME" or "KIND NAMESPACE/NAME". At most ` +
          `${String(KEPT_SUBJECTS)} are listed; message says how many there are.`,
      ),
    message: z.string().max(1024).describe('The problem, in one sentence.'),
    remedy: z.string().max(1024).describe('What to do.'),
  })
  .describe('Something that will block the plan or hurt it.');

export type Finding = z.infer<typeof finding>;

export const findingList = z.array(finding).max(KEPT_FINDINGS).meta({ 'x-kubernetes-list-type': 'atomic' });
