import type { WorkRequirement } from '../../crds/spec/strategy-spec.ts';
import type { Facts } from './facts.ts';
import { memoizeByObject } from '../memoize-by-object.ts';
import { compareVersions, versionIn } from './version.ts';

/**
 * The unmet requirements of a host, one sentence each; empty when the host is current. A missing fact meets only
 * `NotIn`.
 */
export function unmetRequirements(requirements: readonly WorkRequirement[], facts: Facts): readonly string[] {
  return unmetBy(facts)(requirements);
}

/** Memoized, because pass after pass judges the same hosts. */
const unmetBy = memoizeByObject((facts: Facts) =>
  memoizeByObject((requirements: readonly WorkRequirement[]): readonly string[] =>
    requirements.filter((each) => !holds(each, facts[each.fact] ?? '')).map((each) => sentence(each, facts)),
  ),
);

function holds({ operator, values = [] }: WorkRequirement, found: string): boolean {
  switch (operator) {
    case 'In':
      return values.includes(found);
    case 'NotIn':
      return !values.includes(found);
    case 'Exists':
      return found !== '';
    case 'AtLeast':
      return found !== '' && values.every((value) => isAtLeast(found, value));
    case 'Below':
      return !values.some((value) => isAtLeast(found, value));
  }
}

function isAtLeast(found: string, wanted: string): boolean {
  const [left, right] = [versionIn(found), versionIn(wanted)];
  return left !== undefined && right !== undefined && compareVersions(left, right) >= 0;
}

/** Whether AtLeast asks for the version of a fact that is there and holds none. */
export function hasNoVersion({ fact, operator }: WorkRequirement, facts: Facts): boolean {
  const found = facts[fact];
  return (
    (operator === 'AtLeast' || operator === 'Below') &&
    found !== undefined &&
    found !== '' &&
    versionIn(found) === undefined
  );
}

function sentence(requirement: WorkRequirement, facts: Facts): string {
  const { fact, operator, values = [] } = requirement;
  const found = facts[fact];
  if (operator === 'Exists') return `${fact} is not known`;
  const wanted = { In: 'one of', NotIn: 'none of', AtLeast: 'at least', Below: 'below' }[operator];
  const versionless = hasNoVersion(requirement, facts) ? ', which holds no version' : '';
  return `${fact} is ${found ? `"${found}"` : 'not known'}${versionless}, not ${wanted} ${values.join(', ')}`;
}
