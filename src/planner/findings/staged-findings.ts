/** What hosts have staged and do not run, although another release is wanted. Pure. */
import type { Finding } from '../../crds/observed/finding.ts';
import type { WorkRequirement } from '../../crds/spec/strategy-spec.ts';
import { unmetRequirements } from '../hosts/current.ts';
import type { HostName } from '../hosts/facts.ts';
import { listed } from '../listed.ts';
import { isAbout } from '../hosts/needs.ts';
import { namesOf, type HostState, type Situation } from './situation.ts';
import { compareVersions, isBuildOf, isSameRelease, versionIn } from '../hosts/version.ts';
import { lackingWork, roleIn } from '../hosts/work.ts';

type Staged = {
  readonly host: HostState;
  readonly fact: string;
  readonly value: string;
  /** Whether the plan stages that host anew. */
  readonly isReplaced: boolean;
};

/** Of all hosts that the strategy is about, also where it has nothing to do: a reboot may start what is staged. */
export function stagedForOther(situation: Situation): Finding[] {
  const { spec, hosts, stages } = situation;
  const planned = new Set(stages.flatMap((stage) => stage.hosts));
  const others = hosts
    .filter((host) => isAbout(spec, host))
    .flatMap((host) => stagedOn(spec, host, planned))
    .filter(({ value }) => /\d/.test(value));
  const alike = Map.groupBy(
    others,
    ({ fact, value, isReplaced }) => `${fact} ${value} ${String(isReplaced)}`,
  );
  return [...alike.values()].flatMap((those): Finding[] => {
    const [first] = those;
    if (!first) return [];
    const { value, fact, isReplaced } = first;
    const subjects = namesOf(those.map(({ host }) => host));
    const has = `${listed(subjects)} ${subjects.length === 1 ? 'has' : 'have'}`;
    const message = `${has} "${value}" staged (${fact}), which this release does not want`;
    return [
      isReplaced
        ? {
            ...{ severity: 'tells', reason: 'StagedForOther', subjects, message },
            remedy: 'nothing, if staging replaces it; otherwise remove it from the hosts',
          }
        : {
            ...{ severity: 'warns', reason: 'StagedForOther', subjects },
            message: `${message}: nothing replaces it, and the next reboot may start it`,
            remedy: 'remove it from the hosts',
          },
    ];
  });
}

function stagedOn(spec: Situation['spec'], host: HostState, planned: ReadonlySet<HostName>): Staged[] {
  const { release, patches } = spec;
  if (!release) return [];
  const isUpgraded = planned.has(host.name) && lackingWork(spec, host).length > 0;
  const present = host.facts[release.fact ?? ''] ?? '';
  return patches
    .filter(({ kind, role }) => kind === 'stage' && role === roleIn(spec, host))
    .flatMap(({ current }) => current)
    .flatMap((requirement): Staged[] => {
      const { fact } = requirement;
      const value = host.facts[fact] ?? '';
      const isUnmet = unmetRequirements([requirement], host.facts).length > 0;
      const isOther = isUnmet || isAbove(value, requirement, release.version);
      if (value === '' || !isOther || isSameRelease(value, present)) return [];
      return [{ host, fact, value, isReplaced: isUpgraded && isUnmet }];
    });
}

/** Whether a fact that must hold at least the release holds a higher one. */
function isAbove(value: string, { operator, values = [] }: WorkRequirement, version: string): boolean {
  if (operator !== 'AtLeast' || !values.some((each) => isSameRelease(each, version))) return false;
  const [found, wanted] = [versionIn(value), versionIn(version)];
  return found && wanted ? compareVersions(found, wanted) > 0 && !isBuildOf(found, wanted) : false;
}
