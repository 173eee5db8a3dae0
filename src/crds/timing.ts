import { z } from 'zod';
import { seconds } from './schema.ts';

export const timing = z
  .object({
    lockTimeoutSeconds: seconds(1, 86400)
      .default(900)
      .describe('How long a stage may wait for its permits and for its hosts to be locked.'),
    drainTimeoutSeconds: seconds(1, 86400)
      .default(1800)
      .describe(
        'How long the drain of the hosts of a stage may take, including waits for disruption budgets.',
      ),
    patchTimeoutSeconds: seconds(1, 86400)
      .default(1800)
      .describe('How long the Jobs on the hosts of a stage may take together.'),
    verifyTimeoutSeconds: seconds(1, 86400)
      .default(900)
      .describe(
        'How long a host may take to become Ready, rebooted where required, with its patches current. A host that ' +
          'becomes unwell while the hosts settle may take as long to recover.',
      ),
    unlockTimeoutSeconds: seconds(1, 86400).default(1800).describe('How long unlocking the hosts may take.'),
    settleSeconds: seconds(0, 3600)
      .default(15)
      .describe(
        'How long patched hosts must stay healthy before they are unlocked. It begins anew when one was unwell.',
      ),
    stabilizeSeconds: seconds(0, 3600)
      .default(60)
      .describe(
        'How long the hosts of a stage must stay healthy at its end, before the next stage begins. It begins anew when ' +
          'one was unwell.',
      ),
  })
  .prefault({})
  .describe('Timeouts of the steps of a stage, and waiting times between them.');
export type Timing = z.infer<typeof timing>;
