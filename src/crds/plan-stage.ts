import { z } from 'zod';
import type { CrdDefinition } from './schema/custom-resource-definition.ts';
import { PLAN_STAGE } from './names.ts';
import { plannedStep } from './observed/step-status.ts';
import { laterStages, stageStatus } from './observed/strategy-status.ts';
import { objectName, rules, text } from './schema/schema.ts';
import { OUTAGE_LEVELS, STAGE_NAMES } from './vocabulary.ts';

/** How many stages one PlanStage may hold. */
export const MAX_STAGES_OF_PART = 100;
/** How many hosts a stage of a PlanStage may have. */
export const MAX_HOSTS_OF_STAGE = 100;

const timeoutSeconds = z.int().min(0).max(2147483647).describe('How long it may take.');
const index = z.int().min(0).max(10000);

const plannedStage = z
  .object({
    name: z.enum(STAGE_NAMES).describe('The name of the stage: which hosts it works on.'),
    hosts: z
      .array(objectName())
      .max(MAX_HOSTS_OF_STAGE)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('The hosts of the stage. They are worked on together.'),
    patches: z
      .array(text(63))
      .max(32)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('The patches that hosts of the stage lack; each host gets those that it lacks.'),
    level: z
      .enum(OUTAGE_LEVELS)
      .describe('away: the hosts are locked and drained. touched: the hosts are patched in place.'),
    steps: z
      .array(z.object(plannedStep).describe('One step.'))
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('The steps, in order.'),
    timeoutSeconds,
  })
  .describe('One stage of the plan.');

export const planStageSpec = z
  .object({
    strategy: objectName().describe('The name of the strategy, in this namespace.'),
    run: text(36).describe('The id of the run of the plan.'),
    part: index.describe('The position among the PlanStages of the plan, from 0.'),
    firstStage: index.describe('The id of the first of these stages.'),
    hosts: z.int().min(0).max(10000).describe('The number of hosts of these stages.'),
    stages: z
      .array(plannedStage)
      .min(1)
      .max(MAX_STAGES_OF_PART)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('The stages, in order.'),
    later: laterStages.optional(),
  })
  .meta(
    rules({
      rule: 'self == oldSelf',
      message: 'a plan does not change: edit the strategy, and another plan is built',
    }),
  )
  .describe('Consecutive stages of the plan of a strategy. They do not change.');
export type PlanStageSpec = z.infer<typeof planStageSpec>;

export const planStageStatus = z
  .object({
    stages: z
      .array(stageStatus)
      .max(MAX_STAGES_OF_PART)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe(
        'The stages as they ended. Until then, and for the last stages of a plan, the strategy shows them.',
      ),
  })
  .describe('What became of the stages.');

export const planStageDefinition: CrdDefinition = {
  kind: PLAN_STAGE,
  plural: 'planstages',
  singular: 'planstage',
  shortNames: [],
  categories: [],
  scope: 'Namespaced',
  description:
    'A PlanStage holds some consecutive stages of a plan that is too large for the status of its strategy. Careen ' +
    'creates and removes it.',
  spec: planStageSpec,
  status: planStageStatus,
  columns: [
    { name: 'Strategy', type: 'string', jsonPath: '.spec.strategy', description: 'The strategy' },
    { name: 'From', type: 'integer', jsonPath: '.spec.firstStage', description: 'The id of its first stage' },
    { name: 'Hosts', type: 'integer', jsonPath: '.spec.hosts', description: 'The number of its hosts' },
    {
      name: 'Ended',
      type: 'date',
      jsonPath: '.status.stages[-1:].endTime',
      description: 'When its last stage ended',
    },
    {
      name: 'Age',
      type: 'date',
      jsonPath: '.metadata.creationTimestamp',
      description: 'Age of the PlanStage',
    },
  ],
};
