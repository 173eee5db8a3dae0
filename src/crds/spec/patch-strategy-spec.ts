import { z } from 'zod';
import { drain, onForeignUncordon } from './drain.ts';
import { execution } from './execution.ts';
import { hostAction, job } from './host-action.ts';
import { DEFAULT_POOL } from '../names.ts';
import { requirement } from './requirement.ts';
import { objectName, rules, text } from '../schema/schema.ts';
import {
  applyTypes,
  defaultInstanceAction,
  NOT_ALL_IGNORED,
  profile,
  vimParallel,
} from './strategy-fields.ts';
import { timing } from './timing.ts';
import { REBOOT } from '../vocabulary.ts';

export const patch = z
  .object({
    id: text(63)
      .regex(
        /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
        'expected lower-case letters, digits, "-" and ".", a letter or digit at both ends',
      )
      .meta(
        rules({
          rule: `self != '${REBOOT}'`,
          message: `must not be "${REBOOT}": that names the reboot itself`,
        }),
      )
      .describe('Name of the patch, unique in the strategy: lower-case letters, digits, "-" and ".".'),
    rebootRequired: z
      .boolean()
      .default(false)
      .describe(
        'Whether the patch takes effect only after a reboot. Hosts that lack such a patch are locked, drained, ' +
          'patched, rebooted by spec.reboot, verified and unlocked; other hosts are patched in place.',
      ),
    current: z
      .array(requirement)
      .min(1)
      .max(16)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe(
        'A host has the patch when it meets all these requirements. Left out: nothing shows which hosts have it, so ' +
          'each run applies it once to every host; for hosts without such facts, as in an OpenStack.',
      ),
    action: hostAction.describe(
      'The action that applies the patch to a host. It never reboots the host: spec.reboot does.',
    ),
  })
  .describe('One patch.');
export type PatchSpec = z.infer<typeof patch>;

export const patchStrategySpec = z
  .object({
    poolRef: objectName().default(DEFAULT_POOL).describe('The HostPool whose hosts are patched.'),
    profile,
    patches: z
      .array(patch)
      .min(1)
      .max(32)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['id'] })
      .describe('The patches. One outage of a host applies all patches that the host lacks, in this order.'),
    reboot: z
      .object({ job })
      .optional()
      .describe(
        'The action that reboots a host. It runs once, after the last patch of an outage, if one of these patches ' +
          'requires a reboot. The boot id of the node shows whether the host has rebooted, not the result of the Job.',
      ),
    ...applyTypes,
    defaultInstanceAction,
    drain,
    timing,
    onForeignUncordon,
    execution,
  })
  .meta(
    rules(
      {
        rule: '!self.patches.exists(p, has(p.rebootRequired) && p.rebootRequired) || has(self.reboot)',
        message: 'spec.reboot must say how to reboot a host, because a patch has rebootRequired: true',
        fieldPath: '.reboot',
      },
      NOT_ALL_IGNORED,
      vimParallel(100),
    ),
  )
  .describe('The wanted patches, the hosts to patch, their order, and whether to carry out the plan.');
export type PatchStrategySpec = z.infer<typeof patchStrategySpec>;
