/** The hosts of a pool are compute hosts of an OpenStack that this cluster knows nothing of. */
import { z } from 'zod';
import { labelMap, objectName, rules, text } from '../schema/schema.ts';
import { exclusions } from './label-selector.ts';

const identityRef = z
  .object({
    name: objectName().describe(
      'The Secret in the namespace of Careen with the key clouds.yaml, and with cacert, the CA of the cloud in PEM, ' +
        'where the cloud needs one.',
    ),
    cloudName: text(255).describe('The entry of clouds.yaml to use.'),
  })
  .describe('How Careen logs in to the cloud.');

export const openstackProvider = z
  .object({
    identityRef,
    region: text(255)
      .optional()
      .describe(
        'The region of the cloud. Left out: that of clouds.yaml. Where pools share a cloud and differ in region, name ' +
          'it in each: a pool without it may be in any of them, and may keep hosts of the others.',
      ),
    hostSelector: labelMap(64)
      .default({})
      // As with nodeSelector: the null that a template left must not become the default.
      .meta({ nullable: true })
      .describe(
        'The pool selects the compute hosts that have all these labels: zone (the availability zone), ' +
          'aggregate/NAME: member for each host aggregate, metadata/KEY: VALUE for the metadata of its aggregates. ' +
          'Empty: all compute hosts of the region.',
      ),
    exclude: exclusions.describe(
      'The pool does not select the compute hosts that one of these selectors selects. Left out: none.',
    ),
    coldMigration: z
      .boolean()
      .default(false)
      .describe(
        'Whether running servers that cannot move live, or whose owners have answered MIGRATE in a session, may be ' +
          'stopped, moved and started again. With false those that cannot move live hold up their host.',
      ),
    evacuation: z
      .boolean()
      .default(false)
      .describe(
        'Whether the servers of a host that is down may be rebuilt on others. Be sure that such a host is off, or cut ' +
          'off from storage: otherwise a server may run twice on one disk.',
      ),
    stopStart: z
      .boolean()
      .default(false)
      .describe(
        'Whether strategies with defaultInstanceAction: stop-start may stop the servers on a host while they work on it.',
      ),
    maxMigrationsPerHost: z
      .int()
      .min(1)
      .max(100)
      .default(1)
      .describe(
        'How many servers may leave one host at once. Nova itself moves one at a time and queues the others, unless ' +
          'its max_concurrent_live_migrations is higher.',
      ),
    maxMigrationsPerTarget: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe('How many servers may move to one host at once. Left out: no bound.'),
    maxMigrations: z
      .int()
      .min(1)
      .max(1000)
      .default(10)
      .describe('How many servers may move in the cloud at once, of those that this pool moves.'),
  })
  .meta(
    rules({
      rule: 'has(self.hostSelector)',
      message:
        'hostSelector must not be null: write {} to select all compute hosts, or the labels of those wanted',
      fieldPath: '.hostSelector',
    }),
  )
  .describe('The hosts are compute hosts of an OpenStack.');
export type OpenstackProvider = z.infer<typeof openstackProvider>;
