/** The fields that the specs of all kinds of strategies share. */
import { z } from 'zod';
import type { CelRule } from '../schema/schema.ts';
import { INSTANCE_ACTIONS, PROFILES } from '../vocabulary.ts';

export const applyTypes = {
  controllerApplyType: z
    .enum(['serial', 'ignore'])
    .default('serial')
    .describe('serial: controllers one after another. ignore: leave them out.'),
  storageApplyType: z
    .enum(['serial', 'parallel', 'ignore'])
    .default('serial')
    .describe(
      'serial: storage hosts one after another. parallel: as many at once as the pool allows. ignore: leave them ' +
        'out.',
    ),
  workerApplyType: z
    .enum(['serial', 'parallel', 'ignore'])
    .default('serial')
    .describe(
      'serial: workers one after another. parallel: up to maxParallelWorkerHosts at once. ignore: leave them out.',
    ),
  maxParallelWorkerHosts: z
    .int()
    .min(1)
    .max(100)
    .default(2)
    .describe(
      'How many workers a parallel stage may have. A stage is never larger than maxUnavailable of the pool.',
    ),
};

export const defaultInstanceAction = z
  .enum(INSTANCE_ACTIONS)
  .default('migrate')
  .describe(
    'What happens to the instances on a host that is emptied. migrate: they move to other hosts. stop-start: the servers ' +
      'on a compute host of OpenStack are stopped, and started again before the host is unlocked; the pool must allow it ' +
      '(spec.provider.openstack.stopStart).',
  );

export const profile = z
  .enum(PROFILES)
  .default('careen')
  .describe(
    'Who composes stages and steps. careen: Careen. vim-2020, vim-2024: the plan that the StarlingX VIM of that year would ' +
      'make, with its timeouts in place of spec.timing. It takes whole stages: a stage above maxUnavailable of the pool ' +
      'does not begin, and a failure aborts the run, which gives every host back. vim-2024 has no upgrades.',
  );

/** A rule for the profiles of the VIM. */
export function ofVim(condition: string, message: string, fieldPath: `.${string}`): CelRule {
  return { rule: `self.profile == 'careen' || (${condition})`, message, fieldPath };
}

/** The range of the VIM; it does not depend on the apply type. */
export function vimParallel(most: number): CelRule {
  return ofVim(
    `self.maxParallelWorkerHosts >= 2 && self.maxParallelWorkerHosts <= ${String(most)}`,
    `maxParallelWorkerHosts must be 2 to ${String(most)} with a profile of the VIM`,
    '.maxParallelWorkerHosts',
  );
}

/** A rule that the specs of all kinds share. */
export const NOT_ALL_IGNORED: CelRule = {
  rule: "[self.controllerApplyType, self.storageApplyType, self.workerApplyType].exists(t, t != 'ignore')",
  message: 'controllerApplyType, storageApplyType and workerApplyType must not all be ignore',
};
