/**
 * The native planner: it makes a plan from a spec and the hosts of a pool. It follows the VIM's rules
 * (starlingx-vim.md §7, §8) and shares them with the VIM's planner; docs/decisions/0011-the-native-profile.md lists the
 * differences. Pure: the same inputs give the same plan and digest, for any order of the hosts.
 */
import type { StrategySpec } from '../crds/spec/strategy-spec.ts';
import type { Role } from '../crds/vocabulary.ts';
import { MAX_HOSTS_OF_STAGE } from '../crds/plan-stage.ts';
import { buildProblems } from './problems/build-problems.ts';
import type { PlanLimits } from './plan-limits.ts';
import { ROLE_ORDER, STAGE_OF } from './careen-profile.ts';
import { digest } from './digest.ts';
import { firstFit, type Constraint } from './first-fit.ts';
import { compareHostNames, type HostName, type HostSeed } from './hosts/facts.ts';
import { applyTypeOf } from './host-group.ts';
import { InputError } from './problems/input-error.ts';
import { controllersFor } from './known-controllers.ts';
import { chunks, singly } from './lists.ts';
import { isAbout, needsOf } from './hosts/needs.ts';
import { actionsIn } from './plan-actions.ts';
import type { Plan, Stage } from './plan.ts';
import { activeLast, roleGroups, type RoleGroup } from './role-groups.ts';
import { workStage } from './stage-steps.ts';
import { afterTheHosts, beforeTheHosts, hostOfHooks } from './upgrade-stages.ts';
import { actOf, lackingWork, needsDrain, roleIn } from './hosts/work.ts';

export type Built = {
  readonly plan: Plan;
  /** How many hosts the strategy is about, current ones included. */
  readonly hosts: number;
};

type Candidate = {
  readonly name: HostName;
  readonly role: Role;
  readonly isController: boolean;
  /** Ids of its missing patches, or of the upgrade of its role. */
  readonly lacks: ReadonlySet<string>;
  readonly drained: boolean;
  /** Whether it goes out of service. */
  readonly away: boolean;
  readonly apart: readonly string[];
};
type Group = RoleGroup<Role, Candidate>;

/**
 * Plans the stages for all hosts that lack a patch or the release, also for cordoned ones: controllers, then storage
 * hosts, then workers; a rollback the other way round. In each group the hosts that stay in service come first. No stage
 * that takes hosts out of service is larger than the pool's limit. An upgrade has its own stages before and after those
 * (upgrade-stages.ts).
 * @throws InputError when a host is listed twice, when a limit is no whole number of at least 1, when a fact that is
 * compared by AtLeast holds no version, or when a host cannot be upgraded to the release
 */
export function build(spec: StrategySpec, seeds: readonly HostSeed[], limits: PlanLimits): Built {
  const problems = buildProblems(spec, seeds, limits);
  if (problems.length > 0) throw new InputError(problems);
  const ordered = seeds.toSorted((a, b) => compareHostNames(a.name, b.name));
  const mine = ordered.filter((seed) => isAbout(spec, seed));
  const candidates = mine.flatMap((seed) => candidate(spec, seed));
  const order = spec.release?.rollback ? ROLE_ORDER.toReversed() : ROLE_ORDER;
  const groups = roleGroups(order, candidates, {
    isOf: (role, host) => host.role === role,
    needsReboot: (host) => host.away,
  });
  const host = hostOfHooks(ordered, limits.skipped);
  const stages = [
    ...beforeTheHosts(spec, mine, host),
    ...groups.flatMap((group) =>
      listsOf(spec, group, limits).map((hosts) => stage(spec, { ...group, hosts })),
    ),
    ...afterTheHosts(spec, mine, host, limits),
  ];
  const actions = actionsIn(spec);
  return {
    plan: {
      digest: digest({ stages, actions, maxUnavailable: limits.maxUnavailable }),
      ...{ stages, actions },
      ...controllersFor(stages, ordered),
    },
    hosts: needsOf(spec, seeds).hosts,
  };
}

function candidate(spec: StrategySpec, seed: HostSeed): Candidate[] {
  const lacking = lackingWork(spec, seed);
  const role = roleIn(spec, seed);
  if (lacking.length === 0 || role === undefined) return [];
  const drained = lacking.some(needsDrain);
  return [
    {
      name: seed.name,
      role,
      isController: seed.roles.includes('controller'),
      lacks: new Set(lacking.map(({ id }) => id)),
      drained,
      away: drained || lacking.some(({ rebootRequired }) => rebootRequired),
      apart: spec.defaultInstanceAction && drained ? (seed.apart ?? []) : [],
    },
  ];
}

/** The lists of hosts that are taken together. Controllers come first, one at a time, the active one last. */
function listsOf(spec: StrategySpec, { role, reboot, hosts }: Group, limits: PlanLimits): Candidate[][] {
  const type = applyTypeOf(spec, role);
  const { maxUnavailable, activeHost } = limits;
  const wished =
    role === 'worker' ? spec.maxParallelWorkerHosts : Math.min(maxUnavailable, MAX_HOSTS_OF_STAGE);
  const atOnce = reboot ? Math.min(wished, maxUnavailable) : wished;
  const others = hosts.filter((host) => !host.isController);
  return [
    ...singly(
      activeLast(
        hosts.filter((host) => host.isController),
        activeHost,
      ),
    ),
    ...(type === 'serial' ? singly(others) : together(others, atOnce)),
  ];
}

/** Hosts in lists of at most this length. Instances that stand in for each other are not stopped at the same time. */
function together(hosts: readonly Candidate[], atOnce: number): Candidate[][] {
  if (hosts.every(({ apart }) => apart.length === 0)) return chunks(hosts, atOnce);
  const size: Constraint = { atMost: atOnce };
  const groups = new Map(hosts.flatMap(({ apart }) => apart).map((group) => [group, { atMost: 1 }]));
  return firstFit(hosts, ({ apart }) => [size, ...apart.flatMap((group) => groups.get(group) ?? [])]);
}

function stage(spec: StrategySpec, { role, reboot, hosts }: Group): Stage {
  const kind = spec.release ? 'upgrade' : 'patch';
  return workStage(spec, {
    name: STAGE_OF[kind][role],
    hosts: hosts.map(({ name }) => name),
    work: spec.patches.map(({ id }) => id).filter((id) => hosts.some(({ lacks }) => lacks.has(id))),
    acts: [actOf(spec.release)],
    level: reboot ? 'away' : 'touched',
    drained: hosts.some(({ drained }) => drained),
  });
}
