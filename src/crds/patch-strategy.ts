import type { CrdDefinition } from './custom-resource-definition.ts';
import { PATCH_STRATEGY } from './names.ts';
import { patchStrategySpec } from './patch-strategy-spec.ts';
import { patchStrategyStatus } from './patch-strategy-status.ts';

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
  status: patchStrategyStatus,
  columns: [
    { name: 'State', type: 'string', jsonPath: '.status.state', description: 'State of the strategy' },
    {
      name: 'Reason',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
      description: 'Why it is in that state, or what it waits for',
    },
    {
      name: 'Stages',
      type: 'string',
      jsonPath: '.status.stages',
      description: 'Stages done, and their total number',
    },
    {
      name: 'Percent',
      type: 'integer',
      jsonPath: '.status.completionPercentage',
      description: 'Completion of the apply phase, or of the abort',
    },
    { name: 'Mode', type: 'string', jsonPath: '.spec.execution.mode', description: 'The standing order' },
    {
      name: 'Age',
      type: 'date',
      jsonPath: '.metadata.creationTimestamp',
      description: 'Age of the strategy',
    },
    { name: 'Pool', type: 'string', jsonPath: '.spec.poolRef', description: 'The pool', priority: 1 },
    {
      name: 'Message',
      type: 'string',
      jsonPath: '.status.message',
      description: 'Current activity',
      priority: 1,
    },
  ],
};
