import type { CurrentRequirement } from '../crds/patch-strategy-spec.ts';
import type { Facts } from './facts.ts';
import { compareVersions } from './version.ts';

/**
 * The unmet requirements of a host, one sentence each; empty when the host is current. A missing fact meets only
 * `NotIn`.
 */
export function unmetRequirements(requirements: readonly CurrentRequirement[], facts: Facts): string[] {
  return requirements
    .filter((each) => !holds(each, facts[each.fact] ?? ''))
    .map((each) => sentence(each, facts));
}

function holds({ operator, values = [] }: CurrentRequirement, found: string): boolean {
  switch (operator) {
    case 'In':
      return values.includes(found);
    case 'NotIn':
      return !values.includes(found);
    case 'Exists':
      return found !== '';
    case 'AtLeast':
      return found !== '' && values.every((value) => compareVersions(found, value) >= 0);
  }
}

function sentence({ fact, operator, values = [] }: CurrentRequirement, facts: Facts): string {
  const found = facts[fact];
  if (operator === 'Exists') return `${fact} is not known`;
  const wanted = { In: 'one of', NotIn: 'none of', AtLeast: 'at least' }[operator];
  return `${fact} is ${found ? `"${found}"` : 'not known'}, not ${wanted} ${values.join(', ')}`;
}
