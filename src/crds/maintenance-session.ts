import type { CrdDefinition } from './schema/custom-resource-definition.ts';
import { MAINTENANCE_SESSION } from './names.ts';
import { anyStatus } from './observed/strategy-status.ts';
import { strategyColumns } from './schema/strategy-columns.ts';
import { maintenanceSessionSpec } from './spec/maintenance-session-spec.ts';

export const maintenanceSessionDefinition: CrdDefinition = {
  kind: MAINTENANCE_SESSION,
  plural: 'maintenancesessions',
  singular: 'maintenancesession',
  shortNames: ['msession'],
  categories: [],
  scope: 'Namespaced',
  description:
    'A MaintenanceSession maintains hosts in agreement with the projects whose instances run on them: each is told and ' +
    'asked, chooses how its instances move, and gives up what it can spare where there is no room. The session goes ' +
    'round the hosts until all are maintained.',
  spec: maintenanceSessionSpec,
  status: anyStatus,
  columns: strategyColumns([
    {
      name: 'Session',
      type: 'string',
      jsonPath: '.status.session.state',
      description: 'The state of the session, in the words of Fenix',
    },
    {
      name: 'Maintained',
      type: 'string',
      jsonPath: '.status.session.maintained',
      description: 'How many of the compute hosts are maintained',
    },
    {
      name: 'Deadline',
      type: 'date',
      jsonPath: '.status.session.nextDeadline',
      description: 'When the first answer that is awaited is due',
      priority: 1,
    },
  ]),
};
