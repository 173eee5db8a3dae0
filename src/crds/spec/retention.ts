import { z } from 'zod';
import { rules, seconds } from '../schema/schema.ts';

export const retention = z
  .object({
    maxFinished: z
      .int()
      .min(0)
      .max(10000)
      .optional()
      .describe(
        'How many finished strategies of each namespace are kept; those that ended first are removed. Left out: any number.',
      ),
    maxAgeSeconds: seconds(60, 315360000)
      .optional()
      .describe('How long after its end a finished strategy is removed. Left out: never.'),
  })
  .meta(
    rules({
      rule: 'has(self.maxFinished) || has(self.maxAgeSeconds)',
      message: 'must have maxFinished or maxAgeSeconds: leave retention out to keep all finished strategies',
    }),
  )
  .describe(
    'Which finished strategies of the pool are removed. A strategy is finished when its run was applied or aborted and ' +
      'it holds no host. Those with the annotation careen.dev/keep, and those of Argo CD, Flux, Helm or another owner, ' +
      'are neither removed nor counted. Left out: none is removed.',
  );
export type Retention = z.infer<typeof retention>;
