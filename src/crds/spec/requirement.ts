/** What a fact of a host must be: the requirements by which a host is current. */
import { z } from 'zod';
import { LABEL_KEY, rules, text } from '../schema/schema.ts';

/** The fields of `status.nodeInfo` of a node that are facts, named `nodeInfo.FIELD`. */
export const NODE_INFO = [
  'kernelVersion',
  'osImage',
  'kubeletVersion',
  'containerRuntimeVersion',
  'architecture',
  'operatingSystem',
] as const;

/** What Nova says about the hypervisor of a compute host, named `hypervisor.FIELD`. */
const HYPERVISOR = ['type', 'version'] as const;

/** The name of a fact, such as `nodeInfo.kernelVersion`. */
export const factName = z
  .string()
  .max(325)
  .regex(
    new RegExp(
      `^(nodeInfo[.](${NODE_INFO.join('|')})|hypervisor[.](${HYPERVISOR.join('|')})|labels[.]${LABEL_KEY})$`,
    ),
    'expected nodeInfo.FIELD, such as nodeInfo.kernelVersion, hypervisor.type, hypervisor.version, or labels.KEY with ' +
      'the key of a label',
  );

export const requirement = z
  .object({
    fact: factName.describe(
      'The fact to compare: nodeInfo.FIELD (kernelVersion, osImage, kubeletVersion, containerRuntimeVersion, ' +
        'architecture, operatingSystem) of a node, hypervisor.FIELD (type, version) of a compute host of OpenStack, or ' +
        'labels.KEY of the host.',
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
