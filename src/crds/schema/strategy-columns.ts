import type { PrinterColumn } from './custom-resource-definition.ts';

/** The columns of `kubectl get` for every kind of strategy; `target`: what only its kind has. */
export function strategyColumns(target: readonly PrinterColumn[] = []): readonly PrinterColumn[] {
  return [
    ...target,
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
  ];
}
