/**
 * The native planner: it makes a plan from a spec and the hosts of a pool. It follows the VIM's rules
 * (starlingx-vim.md §7) and shares them with the VIM's planner; docs/decisions/0011-the-native-profile.md lists the
 * differences. Pure: the same inputs give the same plan and digest, for any order of the hosts.
 */
import type { PatchStrategySpec, PlanActions } from '../crds/patch-strategy-spec.ts';
import type { OutageLevel, Role } from '../crds/vocabulary.ts';
import { MAX_HOSTS_OF_STAGE } from '../crds/plan-stage.ts';
import { buildProblems, type PlanLimits } from './build-problems.ts';
import { CAREEN_PLANNING } from './careen-profile.ts';
import { digest } from './digest.ts';
import { compareHostNames, type HostName, type HostSeed } from './facts.ts';
import { applyTypeOf, groupOf } from './host-group.ts';
import { InputError } from './input-error.ts';
import { chunks, singly } from './lists.ts';
import { lackingPatches, needsOf } from './needs.ts';
import type { Plan, Stage } from './plan.ts';
import { activeLast, roleGroups, type RoleGroup } from './role-groups.ts';
import { stageSteps, timeoutOver } from './stage-steps.ts';

export type Built = {
  readonly plan: Plan;
  /** How many hosts the strategy is about, current ones included. */
  readonly hosts: number;
};

type Candidate = {
  readonly name: HostName;
  readonly roles: readonly Role[];
  /** Ids of its missing patches. */
  readonly lacks: ReadonlySet<string>;
  readonly reboot: boolean;
};
type Group = RoleGroup<Role, Candidate>;

/**
 * Plans the stages for all hosts that lack a patch, also for cordoned ones: controllers, then storage hosts, then
 * workers. In each group the hosts without a reboot come first. No stage with a reboot is larger than the pool's limit.
 * @throws InputError when a host is listed twice, when a limit is no whole number of at least 1, or when a fact that a
 * patch compares by AtLeast holds no version
 */
export function build(spec: PatchStrategySpec, seeds: readonly HostSeed[], limits: PlanLimits): Built {
  const problems = buildProblems(spec, seeds, limits);
  if (problems.length > 0) throw new InputError(problems);
  const ordered = seeds.toSorted((a, b) => compareHostNames(a.name, b.name));
  const candidates = ordered.map((seed) => candidate(spec, seed)).filter(({ lacks }) => lacks.size > 0);
  const groups = roleGroups(CAREEN_PLANNING.roles, candidates, {
    isOf: (role, host) => groupOf(host) === role,
    needsReboot: (host) => host.reboot,
  });
  const stages = groups.flatMap((group) =>
    listsOf(spec, group, limits).map((hosts) => stage(spec, { ...group, hosts })),
  );
  const { patches, reboot, drain, timing, onForeignUncordon } = spec;
  const actions: PlanActions = { patches, drain, timing, onForeignUncordon, ...(reboot ? { reboot } : {}) };
  return {
    plan: { digest: digest({ stages, actions, maxUnavailable: limits.maxUnavailable }), stages, actions },
    hosts: needsOf(spec, seeds).hosts,
  };
}

function candidate(spec: PatchStrategySpec, seed: HostSeed): Candidate {
  const lacking = lackingPatches(spec, seed);
  return {
    name: seed.name,
    roles: seed.roles,
    lacks: new Set(lacking.map(({ id }) => id)),
    reboot: lacking.some(({ rebootRequired }) => rebootRequired),
  };
}

/** The lists of hosts that are taken together. Controllers come first, one at a time, the active one last. */
function listsOf(spec: PatchStrategySpec, { role, reboot, hosts }: Group, limits: PlanLimits): Candidate[][] {
  const type = applyTypeOf(spec, role);
  if (type === 'ignore') return [];
  const { maxUnavailable, activeHost } = limits;
  const wished =
    role === 'worker' ? spec.maxParallelWorkerHosts : Math.min(maxUnavailable, MAX_HOSTS_OF_STAGE);
  const atOnce = reboot ? Math.min(wished, maxUnavailable) : wished;
  const controls = ({ roles }: Candidate): boolean => roles.includes('controller');
  const others = hosts.filter((host) => !controls(host));
  return [
    ...singly(activeLast(hosts.filter(controls), activeHost)),
    ...(type === 'serial' ? singly(others) : chunks(others, atOnce)),
  ];
}

function stage(spec: PatchStrategySpec, { role, reboot, hosts }: Group): Stage {
  const level: OutageLevel = reboot ? 'away' : 'touched';
  const steps = stageSteps(level, spec.timing);
  return {
    name: CAREEN_PLANNING.stageOf[role],
    hosts: hosts.map(({ name }) => name),
    patches: spec.patches.map(({ id }) => id).filter((id) => hosts.some(({ lacks }) => lacks.has(id))),
    level,
    steps,
    timeoutSeconds: timeoutOver(steps),
  };
}
