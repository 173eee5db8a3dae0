/** The timeouts of the steps of a stage, and the waiting times between them. */
import { z } from 'zod';
import { seconds } from '../schema/schema.ts';

const lockAndDrain = {
  lockTimeoutSeconds: seconds(1, 86400)
    .default(900)
    .describe('How long a stage may wait for its permits and for its hosts to be locked.'),
  drainTimeoutSeconds: seconds(1, 86400)
    .default(1800)
    .describe('How long the drain of the hosts of a stage may take, including waits for disruption budgets.'),
};

const verifyAndUnlock = {
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
};

const DESCRIPTION = 'Timeouts of the steps of a stage, and waiting times between them.';

export const timing = z
  .object({
    ...lockAndDrain,
    patchTimeoutSeconds: seconds(1, 86400)
      .default(1800)
      .describe('How long the Jobs on the hosts of a stage may take together.'),
    ...verifyAndUnlock,
  })
  .prefault({})
  .describe(DESCRIPTION);

/** The timeouts of the steps that only upgrades have. */
const ofUpgrades = {
  stageTimeoutSeconds: seconds(1, 86400)
    .default(3600)
    .describe('How long the hosts of a stage may take to get what they need before the upgrade.'),
  hookTimeoutSeconds: seconds(1, 86400)
    .default(900)
    .describe('How long the Job of start, activate or complete may take.'),
};

export const upgradeTiming = z
  .object({
    ...ofUpgrades,
    ...lockAndDrain,
    upgradeTimeoutSeconds: seconds(1, 86400)
      .default(3600)
      .describe('How long the Jobs that upgrade and reboot the hosts of a stage may take together.'),
    ...verifyAndUnlock,
  })
  .prefault({})
  .describe(DESCRIPTION);

/** The times of a plan of any kind. `patchTimeoutSeconds` is that of the action of its kind. */
export const planTiming = z.object({
  ...timing.unwrap().shape,
  stageTimeoutSeconds: ofUpgrades.stageTimeoutSeconds.unwrap().optional(),
  hookTimeoutSeconds: ofUpgrades.hookTimeoutSeconds.unwrap().optional(),
});
export type Timing = z.infer<typeof planTiming>;
