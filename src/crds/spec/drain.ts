/** How a host is drained and kept drained. */
import { z } from 'zod';
import { FOREIGN_UNCORDON_POLICIES } from '../vocabulary.ts';

export const drain = z
  .object({
    evictUnmanagedPods: z
      .boolean()
      .default(false)
      .describe('Whether pods without a controller may be evicted. Nothing creates them again elsewhere.'),
    evictPodsWithLocalData: z
      .boolean()
      .default(false)
      .describe('Whether pods with emptyDir volumes may be evicted. The data in those volumes is lost.'),
  })
  .prefault({})
  .describe(
    'Which pods a drain may evict, besides pods that can move without loss. DaemonSet pods and static pods stay. ' +
      'Disruption budgets are always respected.',
  );

export const onForeignUncordon = z
  .enum(FOREIGN_UNCORDON_POLICIES)
  .default('pause')
  .describe(
    'The reaction when somebody uncordons a host while Careen works on it. pause: stop there, and report it, until ' +
      'the host is cordoned again. recordon: cordon the host again and continue. fail: fail the running step.',
  );
