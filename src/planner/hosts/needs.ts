/** What the hosts of a pool need of a strategy now. The planner and the status of a finished strategy share it. Pure. */
import type { StrategySpec } from '../../crds/spec/strategy-spec.ts';
import { compareHostNames, type HostName, type HostSeed } from './facts.ts';
import { applyTypeOf, type ApplyTypes } from '../host-group.ts';
import { lackingWork, lacksRelease, roleIn } from './work.ts';

type Asked = ApplyTypes & Pick<StrategySpec, 'patches' | 'release'>;

export type Needs = {
  /** How many hosts the strategy is about: they have a role that it does not leave out. */
  readonly hosts: number;
  /** Those of them that lack a patch or the release, sorted; as far as facts show that. */
  readonly lacking: readonly HostName[];
};

export function needsOf(spec: Asked, seeds: readonly HostSeed[]): Needs {
  const mine = seeds.filter((seed) => isAbout(spec, seed));
  const lacking = mine.filter((seed) => isLackingAny(spec, seed)).map(({ name }) => name);
  return { hosts: mine.length, lacking: lacking.toSorted(compareHostNames) };
}

/** Also a host for whose role nothing says how it is upgraded lacks the release. */
function isLackingAny(spec: Asked, seed: HostSeed): boolean {
  const { release } = spec;
  if (release)
    return release.fact !== undefined && lacksRelease(release, seed.facts) !== (release.rollback ?? false);
  return lackingWork(spec, seed).some(({ current }) => current.length > 0);
}

/** Whether a strategy is about a host: it has a role that the strategy does not leave out. */
export function isAbout(spec: Asked, seed: HostSeed): boolean {
  const role = roleIn(spec, seed);
  return role !== undefined && applyTypeOf(spec, role) !== 'ignore';
}

/** Why a strategy has nobody to patch, and the remedy. `hosts` is how many the pool has. */
export function nobodyToPatch(
  pool: string,
  hosts: number,
): { readonly message: string; readonly remedy: string } {
  if (hosts === 0)
    return {
      message: `no hosts: HostPool ${pool} selects none`,
      remedy: 'correct its spec.provider, or wait: the plan is made when a host joins',
    };
  return {
    message: `no hosts: the strategy is about no host of HostPool ${pool}, which has ${String(hosts)}`,
    remedy:
      'give hosts a role (spec.roles of the pool), or take them in (controllerApplyType, storageApplyType, workerApplyType)',
  };
}
