/** Strategies that the policy of a pool judges. */
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { STRATEGY_KINDS } from '../../../src/crds/strategy-kinds.ts';
import type { StrategySpec } from '../../../src/crds/spec/strategy-spec.ts';
import { policyViolations } from '../../../src/planner/policy/pool-policy.ts';
import { kernelPatch } from '../../support/operator/strategies.ts';

export const AT = 'spec.patches[0].action.job.template';

/** A strategy with one patch, whose Job runs this pod; `container` has fields of its one container. */
export function running(spec: object, container: object = {}, metadata: object = {}): StrategySpec {
  const containers = [{ name: 'apply', image: 'good/patch:1', ...container }];
  const action = { job: { template: { metadata, spec: { containers, ...spec } } } };
  return STRATEGY_KINDS.PatchStrategy.readSpec.parse({
    patches: [{ ...kernelPatch, rebootRequired: false, action }],
  });
}

/** What breaks the rules of a pool with this `actionPolicy`, and further fields. */
export function violations(
  strategy: StrategySpec,
  actionPolicy: object = {},
  { namespace = 'careen-hosts', ...fields }: { namespace?: string } & Readonly<Record<string, unknown>> = {},
): string[] {
  const provider = { kubernetes: {} };
  const pool = hostPoolSpec.parse({ provider, maxUnavailable: 1, actionPolicy, ...fields });
  return policyViolations(strategy, namespace, { ...pool, name: 'default' }, 'careen-system');
}
