/** Selectors of hosts by their labels. */
import { z } from 'zod';
import { labelKey, labelMap, labelValue, rules } from '../schema/schema.ts';

const requirement = z
  .object({
    key: labelKey().describe('The label key to compare.'),
    operator: z
      .enum(['In', 'NotIn', 'Exists', 'DoesNotExist'])
      .describe(
        'How to compare the label: In or NotIn (with values), Exists or DoesNotExist (without values).',
      ),
    values: z
      .array(labelValue())
      .max(64)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('The values that the label must (In) or must not (NotIn) have.'),
  })
  .meta(
    rules({
      rule: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
      message: 'values must be given with In and NotIn, and left out with Exists and DoesNotExist',
      fieldPath: '.values',
    }),
  )
  .describe('One requirement on a label.');

export const labelSelector = selectorOf('host');
export type LabelSelector = z.infer<typeof labelSelector>;

/** A selector of objects by their labels; `what` names one of these, such as `host`. */
export function selectorOf(what: string): z.ZodObject<{
  matchLabels: z.ZodOptional<ReturnType<typeof labelMap>>;
  matchExpressions: z.ZodOptional<z.ZodArray<typeof requirement>>;
}> {
  return z.object({
    matchLabels: labelMap(64)
      .optional()
      .describe(`The ${what} must have all these labels, with these values.`),
    matchExpressions: z
      .array(requirement)
      .max(64)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe(`The ${what} must meet all these requirements.`),
  });
}

const excluded = labelSelector
  .meta(
    rules({
      rule:
        'has(self.matchLabels) && size(self.matchLabels) > 0 || ' +
        'has(self.matchExpressions) && size(self.matchExpressions) > 0',
      message: 'must have matchLabels or matchExpressions: an empty selector would exclude every host',
    }),
  )
  .describe('A selector of hosts.');

/** The selectors of the hosts that a pool does not select. */
export const exclusions = z.array(excluded).max(8).optional().meta({ 'x-kubernetes-list-type': 'atomic' });
