/** A step in the status of a strategy, and what its parts have in common with stages and phases. */
import { z } from 'zod';
import { result } from './result.ts';
import { objectName, time } from '../schema/schema.ts';
import { LONGEST_TEXT } from '../text/status-text.ts';
import { STEP_NAMES } from '../vocabulary.ts';

export const reason = z
  .string()
  .max(LONGEST_TEXT)
  .optional()
  .describe('The reason for the result; absent when all went well.');
export const startTime = time().optional().describe('The time of its start, UTC.');
export const endTime = time().optional().describe('The time of its end, UTC.');
export const seconds = z.int().min(0).max(2147483647);
export const timeoutSeconds = seconds.describe('How long it may take.');
export const extendedSeconds = seconds
  .optional()
  .describe(
    'The extension of its deadline: how long the strategy was suspended, no operator was active, or hosts were unwell ' +
      'while they had time to settle; or the time to give back a host that was not staged in time.',
  );
export const index = z.int().min(0).max(10000);

/** A step as it was planned. The plan of a profile of the VIM is decoded from it. */
export const plannedStep = {
  name: z.enum(STEP_NAMES).describe('The name of the step.'),
  timeoutSeconds,
  hosts: z
    .array(objectName())
    .max(100)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'set' })
    .describe('The hosts of the step, where they are not all hosts of its stage.'),
  instances: z
    .int()
    .min(0)
    .max(1000000)
    .optional()
    .describe(
      'How many instances were on the hosts at the build, in a step that moves, stops or starts them.',
    ),
  undo: z
    .object({ name: z.enum(STEP_NAMES).describe('The name of that step.'), timeoutSeconds })
    .optional()
    .describe('The step that undoes this one in an abort, in a plan of a profile of the VIM.'),
};

export const step = z
  .object({
    id: index.describe('Position in the stage, from 0.'),
    ...plannedStep,
    result,
    reason,
    startTime,
    endTime,
    extendedSeconds,
    unwellSince: time()
      .optional()
      .describe(
        'When the step first found one of its hosts unwell while they had time to settle. That time began anew.',
      ),
  })
  .describe('One step. All hosts of the stage take it together.');
export type StepStatus = z.infer<typeof step>;
