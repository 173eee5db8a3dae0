import { z } from 'zod';
import type { CrdDefinition } from './custom-resource-definition.ts';
import { objectName, rules, stringMap, text, time } from './schema.ts';
import { OUTAGE_LEVELS } from './vocabulary.ts';

const requirement = z
  .object({
    key: text(317).describe('The label key that the requirement is about.'),
    operator: z
      .enum(['In', 'NotIn', 'Exists', 'DoesNotExist'])
      .describe('How the label is compared: In, NotIn (with values), Exists, DoesNotExist (without).'),
    values: z
      .array(z.string().max(63))
      .max(64)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('The values that the label must (In) or must not (NotIn) have.'),
  })
  .meta(
    rules({
      rule: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
      message: 'values must be given with In and NotIn, and left out with Exists and DoesNotExist',
    }),
  )
  .describe('One requirement on a label.');

const labelSelector = z.object({
  matchLabels: stringMap(64, 63).optional().describe('Labels that a host must all have, with these values.'),
  matchExpressions: z
    .array(requirement)
    .max(64)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('Requirements that a host must all meet.'),
});
export type LabelSelector = z.infer<typeof labelSelector>;

const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';
const STORAGE = 'node-role.kubernetes.io/storage';

const roles = z
  .object({
    controller: labelSelector
      .default({ matchExpressions: [{ key: CONTROL_PLANE, operator: 'Exists' }] })
      .describe(`Selects the controllers. Default: nodes labelled ${CONTROL_PLANE}.`),
    storage: labelSelector
      .default({ matchExpressions: [{ key: STORAGE, operator: 'Exists' }] })
      .describe(`Selects the storage hosts. Default: nodes labelled ${STORAGE}.`),
    worker: labelSelector
      .default({
        matchExpressions: [
          { key: CONTROL_PLANE, operator: 'DoesNotExist' },
          { key: STORAGE, operator: 'DoesNotExist' },
        ],
      })
      .describe('Selects the workers. Default: nodes with neither of the two labels above.'),
  })
  .prefault({})
  .describe(
    'Which hosts are controllers, storage hosts and workers. An empty selector selects all hosts. ' +
      'A host may have several roles; one with none is left out of every plan.',
  );

export const hostPoolSpec = z
  .object({
    provider: z
      .object({
        kubernetes: z
          .object({
            nodeSelector: stringMap(64, 63)
              .default({})
              .describe(
                'Labels that a node must all have to belong to the pool. Empty: all nodes of this cluster.',
              ),
          })
          .describe('The hosts are nodes of the cluster that Careen runs in.'),
      })
      .describe('Where the hosts of the pool come from.'),
    roles,
    maxUnavailable: z
      .int()
      .min(1)
      .max(10000)
      .describe(
        'How many hosts of the pool may be out of service at once, over all strategies of all namespaces. ' +
          'Hosts that others took out of service (cordoned, or not Ready) count too.',
      ),
  })
  .describe('What the administrator wants of the pool.');
export type HostPoolSpec = z.infer<typeof hostPoolSpec>;

const permit = z
  .object({
    host: objectName().describe('The host that may be taken out of service.'),
    run: text(36).describe('The id of the run that holds the permit (status.run.id of its strategy).'),
    strategy: text(317).describe('The strategy that the run belongs to, as namespace/name.'),
    level: z
      .enum(OUTAGE_LEVELS)
      .describe(
        'away: the host is emptied and counts against maxUnavailable. touched: it is patched in place.',
      ),
    since: time().describe('When the permit was granted.'),
  })
  .describe('The right of one run to take one host out of service.');
export type Permit = z.infer<typeof permit>;

export const hostPoolStatus = z
  .object({
    away: z.int().min(0).max(10000).optional().describe('How many permits of level away are granted.'),
    permits: z
      .array(permit)
      .max(10000)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['host'] })
      .describe('The permits that are granted, one a host. They are granted here and nowhere else.'),
  })
  .describe('What Careen keeps about the pool.');
export type HostPoolStatus = z.infer<typeof hostPoolStatus>;

export const hostPoolDefinition: CrdDefinition = {
  kind: 'HostPool',
  plural: 'hostpools',
  singular: 'hostpool',
  shortNames: ['hpool'],
  categories: [],
  scope: 'Cluster',
  description:
    'A HostPool names a set of hosts, says which role each has, and how many of them may be out of service at once. ' +
    "It is the administrator's; strategies refer to it by name.",
  spec: hostPoolSpec,
  status: hostPoolStatus,
  columns: [
    { name: 'Max-Unavailable', type: 'integer', jsonPath: '.spec.maxUnavailable', description: 'The limit' },
    {
      name: 'Away',
      type: 'integer',
      jsonPath: '.status.away',
      description: 'Hosts that Careen has taken out of service',
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Age of the pool' },
  ],
};
