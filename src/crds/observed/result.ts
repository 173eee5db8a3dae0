import { z } from 'zod';
import { RESULTS } from '../vocabulary.ts';

/** The field `result` of phases, stages, steps and hosts. */
export const result = z
  .enum(RESULTS)
  .describe(
    'initial: not begun. inprogress (phase, stage) and wait (step): running. ' +
      'success, degraded (done, with problems), failed, timed-out and aborted: ended.',
  );
