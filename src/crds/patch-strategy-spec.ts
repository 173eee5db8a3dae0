import { z } from 'zod';
import { drain, onForeignUncordon } from './drain.ts';
import { execution } from './execution.ts';
import { job } from './host-action.ts';
import { DEFAULT_POOL } from './names.ts';
import { objectName, rules, text } from './schema.ts';
import { timing } from './timing.ts';
import { REBOOT } from './vocabulary.ts';

const requirement = z
  .object({
    fact: z
      .string()
      .max(325)
      .regex(
        /^(nodeInfo\.(kernelVersion|osImage|kubeletVersion|containerRuntimeVersion|architecture|operatingSystem)|labels\..+)$/,
        'expected nodeInfo.FIELD, such as nodeInfo.kernelVersion, or labels.KEY',
      )
      .describe(
        'What is compared: nodeInfo.FIELD (kernelVersion, osImage, kubeletVersion, containerRuntimeVersion, ' +
          'architecture, operatingSystem) or labels.KEY of the node.',
      ),
    operator: z
      .enum(['In', 'NotIn', 'Exists', 'AtLeast'])
      .describe(
        'In, NotIn: the fact is, or is not, one of the values. Exists: it is there and not empty. AtLeast: it is a ' +
          'version not below the one value, compared number by number (6.12.48-amd64 is at least 6.12.9).',
      ),
    values: z
      .array(text(256))
      .max(32)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('What the fact is compared with: one version for AtLeast, nothing for Exists.'),
  })
  .meta(
    rules(
      {
        rule: "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : true",
        message: 'values must have at least one entry with In and NotIn',
        fieldPath: '.values',
      },
      {
        rule: "self.operator == 'Exists' ? !has(self.values) || size(self.values) == 0 : true",
        message: 'values must be left out with Exists',
        fieldPath: '.values',
      },
      {
        rule: "self.operator == 'AtLeast' ? has(self.values) && size(self.values) == 1 && self.values[0].matches('^v?[0-9]') : true",
        message: 'values must be one version that begins with a number, such as ["6.12.48"], with AtLeast',
        fieldPath: '.values',
      },
    ),
  )
  .describe('One requirement on the host.');
export type CurrentRequirement = z.infer<typeof requirement>;

const patch = z
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
        'Whether the patch takes effect only after a reboot. Hosts that lack such a patch are locked, emptied, ' +
          'patched, rebooted by spec.reboot, verified and unlocked; others are patched in place.',
      ),
    current: z
      .array(requirement)
      .min(1)
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('How to see that a host has the patch: it does when all of these hold.'),
    action: z
      .object({ job })
      .describe('What applies the patch to a host. It never reboots the host: spec.reboot does.'),
  })
  .describe('One patch.');
export type PatchSpec = z.infer<typeof patch>;

export const patchStrategySpec = z
  .object({
    poolRef: objectName().default(DEFAULT_POOL).describe('The HostPool whose hosts are patched.'),
    patches: z
      .array(patch)
      .min(1)
      .max(32)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['id'] })
      .describe('The patches. All that a host lacks go in this order into one outage of that host.'),
    reboot: z
      .object({ job })
      .optional()
      .describe(
        'What reboots a host, once, after the last patch of an outage that asks for it. Whether it did is judged by ' +
          'the boot id of the node, not by the Job.',
      ),
    controllerApplyType: z
      .enum(['serial', 'ignore'])
      .default('serial')
      .describe('serial: controllers one after another. ignore: leave them out.'),
    storageApplyType: z
      .enum(['serial', 'parallel', 'ignore'])
      .default('serial')
      .describe(
        'serial: storage hosts one after another. parallel: as many at once as the pool allows. ignore: none.',
      ),
    workerApplyType: z
      .enum(['serial', 'parallel', 'ignore'])
      .default('serial')
      .describe(
        'serial: workers one after another. parallel: up to maxParallelWorkerHosts at once. ignore: none.',
      ),
    maxParallelWorkerHosts: z
      .int()
      .min(1)
      .max(100)
      .default(2)
      .describe(
        'How many workers a parallel stage may hold. A stage is never larger than maxUnavailable of the pool.',
      ),
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
      {
        rule: "[self.controllerApplyType, self.storageApplyType, self.workerApplyType].exists(t, t != 'ignore')",
        message: 'controllerApplyType, storageApplyType and workerApplyType must not all be ignore',
      },
    ),
  )
  .describe('What is wanted: patches, on which hosts, in which order, and whether to carry it out.');
export type PatchStrategySpec = z.infer<typeof patchStrategySpec>;

/** What of a spec a plan is carried out with; kept in `status.run.actions`, so that an edit cannot change an open run. */
export const planActions = z.object({
  patches: z.array(patch),
  reboot: z.object({ job }).optional(),
  drain,
  timing,
  onForeignUncordon,
});
export type PlanActions = z.infer<typeof planActions>;
