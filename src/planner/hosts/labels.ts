/** Labels, and the selection of objects by them. */
import type { LabelSelector } from '../../crds/spec/label-selector.ts';

export type Labels = Readonly<Record<string, string>>;

/** Whether the labels include all wanted ones. */
export function hasAll(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

/** Whether labels meet all requirements of a selector. */
export function meetsAll(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Labels,
): boolean {
  return hasAll(labels, matchLabels) && matchExpressions.every((each) => meets(labels, each));
}

type Requirement = NonNullable<LabelSelector['matchExpressions']>[number];

function meets(labels: Labels, { key, operator, values = [] }: Requirement): boolean {
  const found = labels[key];
  switch (operator) {
    case 'In':
      return found !== undefined && values.includes(found);
    case 'NotIn':
      return found === undefined || !values.includes(found);
    case 'Exists':
      return found !== undefined;
    case 'DoesNotExist':
      return found === undefined;
  }
}
