import type { StrategySpec } from '../../crds/spec/strategy-spec.ts';
import { applyTypeField } from '../host-group.ts';
import type { HostName, HostSeed } from '../hosts/facts.ts';
import type { PlanLimits } from '../plan-limits.ts';
import type { InputProblem } from './input-error.ts';
import { isAbout } from '../hosts/needs.ts';
import { compareVersions, isBuildOf, isOtherBuild, isSameRelease, versionIn } from '../hosts/version.ts';
import { lacksRelease, roleIn } from '../hosts/work.ts';

/**
 * Why hosts cannot be brought to the release of an upgrade, or back from it: they have a higher one, nothing says how,
 * its own fact is to show staging, requests leave out all hosts on which its hooks could run, it is activated already, or
 * nothing shows which hosts have it.
 */
export function releaseProblems(
  spec: StrategySpec,
  seeds: readonly HostSeed[],
  { skipped = [], activatedRelease }: Pick<PlanLimits, 'skipped' | 'activatedRelease'>,
): InputProblem[] {
  const { release } = spec;
  if (!release) return [];
  const mine = seeds.filter((seed) => isAbout(spec, seed));
  return [
    ...stagedByRelease(spec),
    ...belowPresent(release, mine),
    ...withoutAction(spec, mine),
    ...nowhere(spec, mine, seeds, skipped),
    ...activated(release, activatedRelease),
    ...unshown(release),
  ];
}

function belowPresent(
  { version, fact, rollback = false }: NonNullable<StrategySpec['release']>,
  hosts: readonly HostSeed[],
): InputProblem[] {
  const wanted = versionIn(version);
  if (fact === undefined) return [];
  const higher = hosts.find(({ facts }) => {
    const found = versionIn(facts[fact] ?? '');
    if (wanted === undefined || found === undefined) return false;
    return compareVersions(found, wanted) > 0 && !isBuildOf(found, wanted);
  });
  if (!higher) return [];
  const { name, facts } = higher;
  const present = facts[fact] ?? '';
  const found = versionIn(present);
  const isBuild = wanted !== undefined && found !== undefined && isOtherBuild(wanted, found);
  const is = isBuild ? `another build of the same release than ${present}` : `below ${present}`;
  const other = rollback
    ? `bring the host back from ${present} first, with that as spec.release.version`
    : 'give this release or a higher one';
  const remedy = isBuild ? `give ${present} or a higher one of that build` : other;
  return [
    {
      code: 'out-of-range',
      path: ['spec', 'release', 'version'],
      value: version,
      remedy: `it is ${is}, which ${name} has (${fact}); ${remedy}, or take the host out of the pool`,
    },
  ];
}

/** Staging leaves the release that a host runs as it is: a host could never count as staged by it. */
function stagedByRelease({ patches, release }: StrategySpec): InputProblem[] {
  return patches
    .filter(({ kind, current }) => kind === 'stage' && current.some(({ fact }) => fact === release?.fact))
    .map(({ role = 'worker' }) => ({
      code: 'malformed',
      path: ['spec', 'hosts', role, 'stage', 'staged'],
      value: release?.fact,
      remedy:
        'staging does not change the fact of spec.release; give a fact that shows what is staged, or leave staged out: ' +
        'then the Job runs in each run, and its success counts',
    }));
}

function withoutAction(spec: StrategySpec, hosts: readonly HostSeed[]): InputProblem[] {
  const { release, patches } = spec;
  if (!release) return [];
  const { rollback = false, version } = release;
  const [kind, field] = rollback ? (['rollback', ['rollback']] as const) : (['upgrade', []] as const);
  const lacking = hosts.filter(({ facts }) => lacksRelease(release, facts) !== rollback);
  const byRole = Map.groupBy(lacking, (host) => roleIn(spec, host));
  return [...byRole].flatMap(([role, [first]]): InputProblem[] => {
    const has = patches.some((work) => work.kind === kind && work.role === role);
    if (has || role === undefined || !first) return [];
    return [
      {
        code: 'malformed',
        path: ['spec', 'hosts', role, ...field],
        value: undefined,
        remedy:
          `${first.name} is a ${role === 'storage' ? 'storage host' : role} and ${rollback ? 'has' : 'lacks'} ${version}; ` +
          `say how it is ${rollback ? 'brought back' : 'upgraded'}, or set ${applyTypeField(role)} to ignore`,
      },
    ];
  });
}

function nowhere(
  { patches }: StrategySpec,
  hosts: readonly HostSeed[],
  pool: readonly HostSeed[],
  skipped: readonly HostName[],
): InputProblem[] {
  const hook = patches.find(({ kind }) => kind === 'hook');
  if (!hook || hosts.length === 0 || pool.some(({ name }) => !skipped.includes(name))) return [];
  const remedy = 'requests leave out all hosts, so it can run on none; edit the spec to take them in again';
  return [{ code: 'malformed', path: ['spec', hook.id], value: skipped.join(), remedy }];
}

function activated(
  { version, rollback }: NonNullable<StrategySpec['release']>,
  activatedRelease: string | undefined,
): InputProblem[] {
  if (!rollback || activatedRelease === undefined || !isSameRelease(activatedRelease, version)) return [];
  const remedy = `${version} was activated, so there is no way back; set it to false`;
  return [{ code: 'out-of-range', path: ['spec', 'rollback'], value: true, remedy }];
}

/** A host that never had the release would be brought back, too. */
function unshown({ version, fact, rollback }: NonNullable<StrategySpec['release']>): InputProblem[] {
  if (!rollback || fact !== undefined) return [];
  const remedy =
    `nothing shows which hosts have ${version}; give spec.release.fact, such as a label from the metadata of an ` +
    'aggregate, or set it to false';
  return [{ code: 'malformed', path: ['spec', 'rollback'], value: true, remedy }];
}
