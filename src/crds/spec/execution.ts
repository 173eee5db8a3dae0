import { z } from 'zod';
import { EXECUTION_MODES } from '../vocabulary.ts';

export const execution = z
  .object({
    mode: z
      .enum(EXECUTION_MODES)
      .default('Hold')
      .describe(
        'Hold: plan and wait; during a run, begin no further stage. Run: carry out the plan. Suspend: begin no new ' +
          'effect; hosts stay as they are, and deadlines are paused. Abort: end the running step and release every ' +
          'host; set Hold afterwards for a new plan.',
      ),
    throughStage: z
      .int()
      .min(0)
      .max(9999)
      .optional()
      .describe('Run only as far as this stage (its id, from 0), then wait. Raise or remove it to continue.'),
    plan: z
      .string()
      .max(71)
      .regex(/^sha256:[0-9a-f]{64}$/)
      .optional()
      .describe(
        'Run only the plan with this digest, which status.run.planDigest had at the review. While the plan has ' +
          'another digest, no further stage begins, and the message says how the plan differs.',
      ),
  })
  .prefault({})
  .describe('The standing order for the plan. Careen never writes it.');
