import type { StrategySpec } from '../../crds/spec/strategy-spec.ts';
import { hasNoVersion } from '../hosts/current.ts';
import type { HostSeed } from '../hosts/facts.ts';
import type { InputProblem } from './input-error.ts';
import type { PlanLimits } from '../plan-limits.ts';
import { isAbout } from '../hosts/needs.ts';
import { releaseProblems } from './release-problems.ts';
import { isGoal, workFor } from '../hosts/work.ts';

/**
 * The input problems that prevent a native plan. In a cluster the schemas refuse impossible limits, and each node exists
 * once. Other callers need these checks: lists of an impossible size would silently lose hosts.
 */
export function buildProblems(
  spec: StrategySpec,
  seeds: readonly HostSeed[],
  { maxUnavailable, skipped, activatedRelease }: PlanLimits,
): InputProblem[] {
  return [
    ...impossibleLimit(['spec', 'maxParallelWorkerHosts'], spec.maxParallelWorkerHosts),
    ...impossibleLimit(['limits', 'maxUnavailable'], maxUnavailable),
    ...repeatedHosts(seeds),
    ...seeds.filter((seed) => isAbout(spec, seed)).flatMap((seed) => withoutVersions(spec, seed)),
    ...releaseProblems(spec, seeds, { skipped, activatedRelease }),
  ];
}

/**
 * The facts of a host that a patch or the release compares by AtLeast and that hold no version. Nothing could ever satisfy
 * it. A host without such a version in what shows its staging is only not staged.
 */
function withoutVersions(spec: StrategySpec, host: HostSeed): InputProblem[] {
  const { name, facts } = host;
  return workFor(spec, host)
    .filter(isGoal)
    .flatMap(({ id, current }) =>
      current
        .filter((requirement) => hasNoVersion(requirement, facts))
        .map(({ fact }) => ({
          code: 'malformed',
          path: ['hosts', name, fact],
          value: facts[fact],
          remedy: spec.release
            ? `it holds no version to compare with ${spec.release.version}; ` +
              'give another spec.release.fact, or take the host out of the pool'
            : `it holds no version, so patch ${id} cannot compare it by AtLeast; ` +
              'compare another fact, use In, or take the host out of the pool',
        })),
    );
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
