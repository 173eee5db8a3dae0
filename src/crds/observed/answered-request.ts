import { z } from 'zod';
import { text, time } from '../schema/schema.ts';

export const answeredRequest = z
  .object({
    id: text(63).describe('The id of the request. Its author chose it.'),
    verb: text(32).optional().describe('The verb of the request; absent when the request could not be read.'),
    answer: z
      .enum(['accepted', 'refused', 'waiting'])
      .describe(
        'accepted: Careen does it. refused: message says why. waiting: it is answered when Suspend ends, unless the ' +
          'spec is edited before.',
      ),
    message: z
      .string()
      .max(1024)
      .describe('The effect of the request, or the correction it needs, in one sentence.'),
    specDigest: text(80)
      .optional()
      .describe(
        'The digest of the spec that a waiting request was placed on. It is valid for this spec only.',
      ),
    placed: text(80)
      .optional()
      .describe(
        'The digest of the annotation that holds the request; none when no annotation holds it any more. By it Careen ' +
          'notices that an answered id is placed again.',
      ),
    time: time().describe(
      'When the request was answered; for a waiting request, when it was first observed.',
    ),
  })
  .describe('One request and its answer.');
export type AnsweredRequest = z.infer<typeof answeredRequest>;
