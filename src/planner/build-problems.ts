import type { PatchStrategySpec } from '../crds/patch-strategy-spec.ts';
import type { HostName, HostSeed } from './facts.ts';
import type { InputProblem } from './input-error.ts';

export type PlanLimits = {
  readonly maxUnavailable: number;
  /** The host of the leading operator: the last controller to be taken. Undefined when the operator runs on no host. */
  readonly activeHost?: HostName | undefined;
};

/**
 * The input problems that prevent a native plan. In a cluster the schemas refuse such limits, and each node exists
 * once. Other callers need this check: lists of an impossible size would silently lose hosts.
 */
export function buildProblems(
  { maxParallelWorkerHosts }: PatchStrategySpec,
  seeds: readonly HostSeed[],
  { maxUnavailable }: PlanLimits,
): InputProblem[] {
  return [
    ...impossibleLimit(['spec', 'maxParallelWorkerHosts'], maxParallelWorkerHosts),
    ...impossibleLimit(['limits', 'maxUnavailable'], maxUnavailable),
    ...repeatedHosts(seeds),
  ];
}

function impossibleLimit(path: readonly string[], value: number): InputProblem[] {
  if (Number.isInteger(value) && value >= 1) return [];
  return [{ code: 'out-of-range', path, value, remedy: 'give a whole number of at least 1' }];
}

function repeatedHosts(seeds: readonly HostSeed[]): InputProblem[] {
  const seen = new Set<string>();
  return seeds.flatMap(({ name }, index): InputProblem[] => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    const remedy = 'an earlier host has the same name; list each host once';
    return [{ code: 'duplicate-name', path: ['hosts', index, 'name'], value: name, remedy }];
  });
}
