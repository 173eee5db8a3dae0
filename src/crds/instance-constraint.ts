/** How an owner wants its instances moved (fenix.md §2.3). It holds for every session, and exists independently of them. */
import { z } from 'zod';
import { INSTANCE_CONSTRAINT, INSTANCE_GROUP_CONSTRAINT } from './names.ts';
import type { CrdDefinition } from './schema/custom-resource-definition.ts';
import { objectName, rules, seconds, text } from './schema/schema.ts';
import { selectorOf } from './spec/label-selector.ts';
import { MOVE_ACTIONS } from './vocabulary.ts';

const selector = selectorOf('pod')
  .meta(
    rules({
      rule:
        'has(self.matchLabels) && size(self.matchLabels) > 0 || ' +
        'has(self.matchExpressions) && size(self.matchExpressions) > 0',
      message: 'must have matchLabels or matchExpressions: an empty selector would select every pod',
    }),
  )
  .describe('Selects pods of the namespace of this object, instead of instanceId.');

export const instanceConstraintSpec = z
  .object({
    instanceId: text(63)
      .optional()
      .describe('The id of the instance: of a server in OpenStack, or the uid of a pod.'),
    selector: selector.optional(),
    instanceName: text(253)
      .optional()
      .describe(
        'The name of the instance, which stays the same when it is replaced: an instance of this name that has no ' +
          'constraint of its own falls under this one, too.',
      ),
    groupRef: objectName().describe(
      `The ${INSTANCE_GROUP_CONSTRAINT} of its group, in this namespace. It may be made later; until then the instance ` +
        'is not moved.',
    ),
    migrationType: z
      .enum(MOVE_ACTIONS)
      .describe(
        'How the instance is moved unless the answer of its owner says otherwise. MIGRATE: a server is migrated cold where ' +
          'the pool has coldMigration, else live; a pod is evicted. LIVE_MIGRATE: a server is migrated live; pods cannot ' +
          'be. OWN_ACTION: its owner replaces it.',
      ),
    maxInterruptionSeconds: seconds(1, 86400)
      .optional()
      .describe(
        'How long a live migration of the instance may take. One that takes longer is called off, and its move has failed.',
      ),
    leadTimeSeconds: seconds(0, 604800)
      .default(0)
      .describe(
        'How long the owner has to get ready and to answer once it is asked. 0: it is not asked, this object is its ' +
          'consent.',
      ),
    resourceMitigation: z
      .boolean()
      .default(false)
      .describe(
        'Whether the resources of the instance are made up for while it is away. Told with the question.',
      ),
  })
  .meta(
    rules(
      {
        rule: 'has(self.instanceId) != has(self.selector)',
        message: 'must have either instanceId, of a server or a pod, or selector, of pods in this namespace',
      },
      {
        rule: "self.migrationType != 'OWN_ACTION' || self.leadTimeSeconds > 0",
        message:
          'must be at least 1 with migrationType OWN_ACTION: an owner that replaces its instance must be asked to',
        fieldPath: '.leadTimeSeconds',
      },
    ),
  )
  .describe('Which instances of this tenant are meant, and how they are moved.');
export type InstanceConstraintSpec = z.infer<typeof instanceConstraintSpec>;

export const instanceConstraintDefinition: CrdDefinition = {
  kind: INSTANCE_CONSTRAINT,
  plural: 'instanceconstraints',
  singular: 'instanceconstraint',
  shortNames: ['iconstraint'],
  categories: ['constraint'],
  scope: 'Namespaced',
  description:
    'An InstanceConstraint says how instances of a tenant are moved when their hosts are maintained: by what, after how ' +
    'much time to get ready, and in which group. Maintenance sessions with the workflow vnf need one for every instance. ' +
    'The tenant makes it in its namespace, and constrains only its own: pods of this namespace, or servers of the project ' +
    'that it stands for.',
  spec: instanceConstraintSpec,
  columns: [
    { name: 'Instance', type: 'string', jsonPath: '.spec.instanceId', description: 'The id of the instance' },
    {
      name: 'Name',
      type: 'string',
      jsonPath: '.spec.instanceName',
      description: 'The name of the instance',
      priority: 1,
    },
    { name: 'Group', type: 'string', jsonPath: '.spec.groupRef', description: 'Its group' },
    { name: 'Moved-By', type: 'string', jsonPath: '.spec.migrationType', description: 'How it is moved' },
    {
      name: 'Lead-Time',
      type: 'integer',
      jsonPath: '.spec.leadTimeSeconds',
      description: 'How many seconds its owner has to get ready',
    },
    {
      name: 'Age',
      type: 'date',
      jsonPath: '.metadata.creationTimestamp',
      description: 'Age of the constraint',
    },
  ],
};
