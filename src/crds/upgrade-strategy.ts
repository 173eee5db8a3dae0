import type { CrdDefinition } from './schema/custom-resource-definition.ts';
import { UPGRADE_STRATEGY } from './names.ts';
import { strategyColumns } from './schema/strategy-columns.ts';
import { strategyStatus } from './observed/strategy-status.ts';
import { upgradeStrategySpec } from './spec/upgrade-strategy-spec.ts';

export const upgradeStrategyDefinition: CrdDefinition = {
  kind: UPGRADE_STRATEGY,
  plural: 'upgradestrategies',
  singular: 'upgradestrategy',
  shortNames: ['ustrat'],
  categories: ['strategy'],
  scope: 'Namespaced',
  description:
    'An UpgradeStrategy brings the hosts of a pool to a release while their workloads continue: all are staged first, ' +
    'then a few at a time are locked, drained where needed, upgraded, rebooted where needed, verified and unlocked. ' +
    'Status shows the plan for review before any host is changed.',
  spec: upgradeStrategySpec,
  status: strategyStatus,
  columns: strategyColumns([
    {
      name: 'Release',
      type: 'string',
      jsonPath: '.spec.release.version',
      description: 'The target release',
      priority: 1,
    },
  ]),
};
