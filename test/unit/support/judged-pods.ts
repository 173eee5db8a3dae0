/** Strategies whose pods the policy of a pool judges. */
import { actionPolicy } from '../../../src/crds/action-policy.ts';
import { patchStrategySpec, type PatchStrategySpec } from '../../../src/crds/patch-strategy-spec.ts';
import { policyViolations } from '../../../src/planner/action-policy.ts';
import { kernelPatch } from '../../support/operator/strategies.ts';

export const AT = 'spec.patches[0].action.job.template';

/** A strategy with one patch, whose Job runs this pod; `container` has fields of its one container. */
export function running(spec: object, container: object = {}, metadata: object = {}): PatchStrategySpec {
  const containers = [{ name: 'apply', image: 'good/patch:1', ...container }];
  const action = { job: { template: { metadata, spec: { containers, ...spec } } } };
  return patchStrategySpec.parse({ patches: [{ ...kernelPatch, rebootRequired: false, action }] });
}

export function violations(
  strategy: PatchStrategySpec,
  policy: object = {},
  { namespace = 'careen-hosts', allowedNamespaces = ['careen-hosts'] } = {},
): string[] {
  const pool = { name: 'default', allowedNamespaces, actionPolicy: actionPolicy.parse(policy) };
  return policyViolations(strategy, namespace, pool, 'careen-system');
}
