/** How many members of a group may be affected at once (fenix.md §2.3). It exists independently of sessions. */
import { z } from 'zod';
import { INSTANCE_CONSTRAINT, INSTANCE_GROUP_CONSTRAINT } from './names.ts';
import type { CrdDefinition } from './schema/custom-resource-definition.ts';
import { rules, seconds, text } from './schema/schema.ts';

export const instanceGroupConstraintSpec = z
  .object({
    groupId: text(253)
      .optional()
      .describe(
        'The id of the group elsewhere: that of the server group in OpenStack where there is one. Only shown.',
      ),
    antiAffinity: z
      .boolean()
      .default(false)
      .describe(
        'Whether members are kept apart: a host takes one, or maxInstancesPerHost. On nodes the scheduler places pods: ' +
          'give the pods an anti-affinity, too.',
      ),
    maxInstancesPerHost: z
      .int()
      .min(1)
      .max(10000)
      .optional()
      .describe('How many members may share a host; only with antiAffinity. Left out: one.'),
    maxImpactedMembers: z
      .int()
      .min(1)
      .max(10000)
      .describe(
        'How many members may be affected at the same time: asked to get ready, on their way, or within ' +
          'recoverySeconds after that.',
      ),
    recoverySeconds: seconds(0, 86400)
      .default(0)
      .describe('For so long after its move a member counts as affected.'),
    resourceMitigation: z
      .boolean()
      .default(false)
      .describe(
        'Whether the resources of each member are made up for while it is away. Told with the question.',
      ),
  })
  .meta(
    rules({
      rule: '!has(self.maxInstancesPerHost) || self.antiAffinity',
      message:
        'maxInstancesPerHost bounds a group with antiAffinity only: set antiAffinity to true, or leave it out',
      fieldPath: '.maxInstancesPerHost',
    }),
  )
  .describe('The bounds of the group.');
export type InstanceGroupConstraintSpec = z.infer<typeof instanceGroupConstraintSpec>;

export const instanceGroupConstraintDefinition: CrdDefinition = {
  kind: INSTANCE_GROUP_CONSTRAINT,
  plural: 'instancegroupconstraints',
  singular: 'instancegroupconstraint',
  shortNames: ['igconstraint'],
  categories: ['constraint'],
  scope: 'Namespaced',
  description:
    'An InstanceGroupConstraint bounds how many members of a group of instances are affected at once when their hosts are ' +
    `maintained. Its members are the instances whose ${INSTANCE_CONSTRAINT} in this namespace refers to it; it may be made ` +
    'and deleted before or after those.',
  spec: instanceGroupConstraintSpec,
  columns: [
    {
      name: 'Impacted',
      type: 'integer',
      jsonPath: '.spec.maxImpactedMembers',
      description: 'How many members may be affected at the same time',
    },
    {
      name: 'Anti-affinity',
      type: 'boolean',
      jsonPath: '.spec.antiAffinity',
      description: 'Whether members are kept apart',
    },
    {
      name: 'Per-Host',
      type: 'integer',
      jsonPath: '.spec.maxInstancesPerHost',
      description: 'How many members may share a host',
      priority: 1,
    },
    {
      name: 'Recovery',
      type: 'integer',
      jsonPath: '.spec.recoverySeconds',
      description: 'How many seconds a member counts as affected after its move',
    },
    {
      name: 'Age',
      type: 'date',
      jsonPath: '.metadata.creationTimestamp',
      description: 'Age of the constraint',
    },
  ],
};
