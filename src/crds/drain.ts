/** How a host is emptied and kept empty. */
import { z } from 'zod';
import { FOREIGN_UNCORDON_POLICIES } from './vocabulary.ts';

export const drain = z
  .object({
    evictUnmanagedPods: z
      .boolean()
      .default(false)
      .describe('Whether pods without a controller may be evicted. Nobody makes them again elsewhere.'),
    evictPodsWithLocalData: z
      .boolean()
      .default(false)
      .describe('Whether pods with emptyDir volumes may be evicted. What is in those volumes is lost.'),
  })
  .prefault({})
  .describe(
    'What may be evicted from a host beyond pods that can move without loss. DaemonSet pods and static pods stay, ' +
      'and disruption budgets are always respected.',
  );

export const onForeignUncordon = z
  .enum(FOREIGN_UNCORDON_POLICIES)
  .default('pause')
  .describe(
    'What to do when somebody uncordons a host while we work on it. pause: go no further there, and say so, until it ' +
      'is cordoned again. recordon: cordon it again and go on. fail: the running step fails.',
  );
