import { z } from 'zod';
import { drain, onForeignUncordon } from './drain.ts';
import { execution } from './execution.ts';
import { job } from './host-action.ts';
import { DEFAULT_POOL } from './names.ts';
import { LABEL_KEY, objectName, rules, text } from './schema.ts';
import { timing } from './timing.ts';
import { REBOOT } from './vocabulary.ts';

const NODE_INFO = [
  'kernelVersion',
  'osImage',
  'kubeletVersion',
  'containerRuntimeVersion',
  'architecture',
  'operatingSystem',
];

const requirement = z
  .object({
    fact: z
      .string()
      .max(325)
      .regex(
        new RegExp(`^(nodeInfo[.](${NODE_INFO.join('|')})|labels[.]${LABEL_KEY})$`),
        'expected nodeInfo.FIELD, such as nodeInfo.kernelVersion, or labels.KEY with the key of a label',
      )
      .describe(
        'The fact to compare: nodeInfo.FIELD (kernelVersion, osImage, kubeletVersion, containerRuntimeVersion, ' +
          'architecture, operatingSystem) or labels.KEY of the node.',
      ),
    operator: z
      .enum(['In', 'NotIn', 'Exists', 'AtLeast'])
      .describe(
        'In, NotIn: the fact is, or is not, one of the values. Exists: the fact is there and not empty. AtLeast: the ' +
          'fact holds the version in values, or a higher one (containerd://1.7.13 is at least 1.7.9, v1.30.4+k3s1 is ' +
          'not at least v1.30.4+k3s2). Numbers count as numbers and words by the alphabet; hashes have no order, so ' +
          'leave them out of the value. A fact without a version fails the build.',
      ),
    values: z
      .array(text(256))
      .max(32)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('The values to compare with: one version for AtLeast, none for Exists.'),
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
        rule: "self.operator == 'AtLeast' ? has(self.values) && size(self.values) == 1 && self.values[0].matches('^v?[0-9]+([^0-9A-Za-z]|$)') : true",
        message:
          'values must be one version that begins with a number that stands by itself, such as ["6.12.48"], with AtLeast',
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
        'Whether the patch takes effect only after a reboot. Hosts that lack such a patch are locked, drained, ' +
          'patched, rebooted by spec.reboot, verified and unlocked; other hosts are patched in place.',
      ),
    current: z
      .array(requirement)
      .min(1)
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('A host has the patch when it meets all these requirements.'),
    action: z
      .object({ job })
      .describe('The action that applies the patch to a host. It never reboots the host: spec.reboot does.'),
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
      .describe('The patches. One outage of a host applies all patches that the host lacks, in this order.'),
    reboot: z
      .object({ job })
      .optional()
      .describe(
        'The action that reboots a host. It runs once, after the last patch of an outage, if one of these patches ' +
          'requires a reboot. The boot id of the node shows whether the host has rebooted, not the result of the Job.',
      ),
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
  .describe('The wanted patches, the hosts to patch, their order, and whether to carry out the plan.');
export type PatchStrategySpec = z.infer<typeof patchStrategySpec>;

/** The part of a spec that carries out a plan. `status.run.actions` keeps it: an edit cannot change an open run. */
export const planActions = z.object({
  patches: z.array(patch),
  reboot: z.object({ job }).optional(),
  drain,
  timing,
  onForeignUncordon,
});
export type PlanActions = z.infer<typeof planActions>;
