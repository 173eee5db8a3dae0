import type { PlanActions, StrategySpec } from '../crds/spec/strategy-spec.ts';

/** The part of a spec that carries out a plan. What is usual is left out: plans of earlier versions keep their digests. */
export function actionsIn(spec: StrategySpec): PlanActions {
  const { patches, reboot, drain, timing, onForeignUncordon, release, maxUnstagedHosts } = spec;
  const { defaultInstanceAction, profile } = spec;
  return {
    ...{ patches, drain, timing, onForeignUncordon },
    ...(profile ? { profile } : {}),
    ...(reboot ? { reboot } : {}),
    ...(defaultInstanceAction ? { defaultInstanceAction } : {}),
    ...(release ? { release } : {}),
    ...(maxUnstagedHosts === undefined ? {} : { maxUnstagedHosts }),
  };
}
