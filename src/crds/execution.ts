import { z } from 'zod';
import { EXECUTION_MODES } from './vocabulary.ts';

export const execution = z
  .object({
    mode: z
      .enum(EXECUTION_MODES)
      .default('Hold')
      .describe(
        'Hold: plan and wait; while running, begin no further stage. Run: carry the plan out. Suspend: ' +
          'no new effect at all, hosts stay as they are and deadlines stand still. Abort: end the running step ' +
          'and release every host; set Hold afterwards for a new plan.',
      ),
    throughStage: z
      .int()
      .min(0)
      .max(9999)
      .optional()
      .describe(
        'Run only as far as this stage (its id, from 0), then wait. Raise it, or remove it, to go on.',
      ),
    plan: z
      .string()
      .max(71)
      .regex(/^sha256:[0-9a-f]{64}$/)
      .optional()
      .describe(
        'Run only the plan with this digest, the one in status.run.planDigest when it was reviewed. While the plan ' +
          'is another one no further stage begins, and the message says how it differs.',
      ),
  })
  .prefault({})
  .describe('The standing order: what is to be done with the plan now. Careen never writes it.');
