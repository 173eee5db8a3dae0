import type { CrdDefinition } from './schema/custom-resource-definition.ts';
import { PATCH_STRATEGY } from './names.ts';
import { strategyColumns } from './schema/strategy-columns.ts';
import { patchStrategySpec } from './spec/patch-strategy-spec.ts';
import { strategyStatus } from './observed/strategy-status.ts';

export const patchStrategyDefinition: CrdDefinition = {
  kind: PATCH_STRATEGY,
  plural: 'patchstrategies',
  singular: 'patchstrategy',
  shortNames: ['pstrat'],
  categories: ['strategy'],
  scope: 'Namespaced',
  description:
    'A PatchStrategy patches the hosts of a pool while their workloads continue: a few hosts at a time are locked, ' +
    'drained, patched, rebooted where needed, verified and unlocked. Status shows the plan for review before any ' +
    'host is changed.',
  spec: patchStrategySpec,
  status: strategyStatus,
  columns: strategyColumns(),
};
