/** The findings of an upgrade: what Kubernetes does not support, and what is not prepared. Pure. */
import type { Finding } from '../../crds/observed/finding.ts';
import type { TargetRelease } from '../../crds/spec/strategy-spec.ts';
import { ROLES, type Role } from '../../crds/vocabulary.ts';
import { listed } from '../listed.ts';
import { namesOf, type HostState, type Situation } from './situation.ts';
import { stagedForOther } from './staged-findings.ts';
import { removedApis, skewOfRollback, versionSkew } from './version-skew.ts';
import { buildWord, versionIn } from '../hosts/version.ts';
import { wayBackFindings } from './way-back.ts';
import { lackingWork, roleIn } from '../hosts/work.ts';

export function upgradeFindings(situation: Situation): Finding[] {
  const { spec, stages, hosts } = situation;
  const { release } = spec;
  if (!release) return [];
  const planned = new Set(stages.flatMap((stage) => stage.hosts));
  const upgraded = hosts.filter((host) => planned.has(host.name) && lackingWork(spec, host).length > 0);
  const inRole = (role: Role): HostState[] => upgraded.filter((host) => roleIn(spec, host) === role);
  if (release.rollback)
    return [
      ...skewOfRollback(situation, release, upgraded),
      ...ROLES.flatMap((role) => imagesDiffer(role, inRole(role), 'rollback')),
    ];
  return [
    ...versionSkew(situation, release, upgraded),
    ...removedApis(situation, release),
    ...buildsDiffer(release, upgraded),
    ...notShown(release, upgraded),
    ...ROLES.flatMap((role) => [
      ...imagesDiffer(role, inRole(role), 'action'),
      ...notStaged(spec, role, inRole(role)),
    ]),
    ...stagedForOther(situation),
    ...wayBackFindings(situation),
  ];
}

/**
 * A release that names another kind of build than its hosts: a host that reports a version without that name is below the
 * release after its upgrade, too. A release that names none takes every build of it.
 */
function buildsDiffer({ version, fact }: TargetRelease, hosts: readonly HostState[]): Finding[] {
  if (fact === undefined) return [];
  const release = versionIn(version);
  const wanted = release && buildWord(release);
  const others = hosts.filter(({ facts }) => {
    const found = versionIn(facts[fact] ?? '');
    return found !== undefined && buildWord(found) !== wanted;
  });
  const [first] = others;
  if (!first) return [];
  const subjects = namesOf(others);
  const has = `${listed(subjects)} ${subjects.length === 1 ? 'has' : 'have'}`;
  const present = `${first.facts[fact] ?? ''} (${fact})`;
  return [
    wanted === undefined
      ? {
          severity: 'tells',
          reason: 'BuildsDiffer',
          subjects,
          message: `${version} names no build, and ${has} one, such as ${present}: every build of ${version} counts as the release`,
          remedy: 'nothing, unless only one build is right: then give the version with its name',
        }
      : {
          severity: 'warns',
          reason: 'BuildsDiffer',
          subjects,
          message: `${has} another kind of build than ${version}, such as ${present}: a host that reports such a version after its upgrade counts as not upgraded, and stays locked`,
          remedy: `give spec.release.version as the hosts will report it in ${fact}`,
        },
  ];
}

/** Who looks at the plan may expect that hosts with the release are left alone. */
function notShown({ version, fact }: TargetRelease, hosts: readonly HostState[]): Finding[] {
  if (fact !== undefined || hosts.length === 0) return [];
  const subjects = namesOf(hosts);
  return [
    {
      ...{ severity: 'tells', reason: 'ReleaseNotShown', subjects },
      message: `nothing shows whether ${listed(subjects)} ${subjects.length === 1 ? 'has' : 'have'} ${version}: each run upgrades each host once`,
      remedy: 'make sure that the Jobs change nothing on a host that has it, or give spec.release.fact',
    },
  ];
}

/** One action serves all hosts of a role: it may be right for one image only. */
function imagesDiffer(role: Role, hosts: readonly HostState[], field: 'action' | 'rollback'): Finding[] {
  const imageOf = ({ facts }: HostState): string => facts['nodeInfo.osImage'] ?? '';
  const byImage = Map.groupBy(
    hosts.filter((host) => imageOf(host) !== ''),
    imageOf,
  );
  if (byImage.size < 2) return [];
  const images = [...byImage].toSorted(([, a], [, b]) => b.length - a.length);
  return [
    {
      severity: 'warns',
      reason: 'ImagesDiffer',
      subjects: namesOf(images.slice(1).flatMap(([, those]) => those)),
      message: `${pluralOf(role)} have different images: ${listed(images.map(([image, those]) => `${image} (${listed(namesOf(those))})`))}`,
      remedy: `make sure that spec.hosts.${role}.${field} suits each of them, or bring them to one image first`,
    },
  ];
}

function notStaged({ patches }: Situation['spec'], role: Role, hosts: readonly HostState[]): Finding[] {
  const hasStage = patches.some((work) => work.kind === 'stage' && work.role === role);
  if (hasStage || hosts.length === 0) return [];
  return [
    {
      severity: 'tells',
      reason: 'StageMissing',
      subjects: namesOf(hosts),
      message: `nothing is staged on ${pluralOf(role)}: they fetch what they need while they are upgraded`,
      remedy: `say in spec.hosts.${role}.stage what they get while they still work`,
    },
  ];
}

function pluralOf(role: Role): string {
  return role === 'storage' ? 'storage hosts' : `${role}s`;
}
