import type { StrategySpec } from '../crds/spec/strategy-spec.ts';
import { build, type Built } from './build.ts';
import type { HostSeed } from './hosts/facts.ts';
import type { PlanLimits } from './plan-limits.ts';
import { buildOperated } from './vim/build-operated.ts';

/**
 * Plans a strategy by its profile.
 * @throws InputError, and BuildRefusal with a profile of the VIM
 */
export function planStrategy(
  { profile, ...spec }: StrategySpec,
  seeds: readonly HostSeed[],
  limits: PlanLimits,
): Built {
  return profile ? buildOperated({ ...spec, profile }, seeds, limits) : build(spec, seeds, limits);
}
