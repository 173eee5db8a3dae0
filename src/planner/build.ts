/**
 * The planner: what is wanted and what is there, turned into a plan. Pure: the
 * same inputs give the same plan and digest, in whatever order hosts are listed.
 */
import type { PatchStrategySpec, PlanActions } from '../crds/patch-strategy-spec.ts';
import type { OutageLevel, Role, StageName } from '../crds/vocabulary.ts';
import { unmetRequirements } from './current.ts';
import { digest } from './digest.ts';
import { compareHostNames, type HostName, type HostSeed } from './facts.ts';
import type { Plan, Stage } from './plan.ts';
import { stageSteps, timeoutOver } from './stage-steps.ts';

export type PoolLimits = { readonly maxUnavailable: number };

export type Built = {
  readonly plan: Plan;
  /** Hosts of the pool that no role selects: they are in no plan. */
  readonly withoutRole: readonly HostName[];
};

type Candidate = { readonly seed: HostSeed; readonly lacks: readonly string[]; readonly level: OutageLevel };

/**
 * Plans the stages for all hosts that lack a patch: controllers, then storage
 * hosts, then workers; in each group first the hosts that need no reboot
 * (starlingx-vim.md §7.1). No stage is larger than the pool's limit.
 */
export function build(spec: PatchStrategySpec, seeds: readonly HostSeed[], limits: PoolLimits): Built {
  const ordered = seeds.toSorted((a, b) => compareHostNames(a.name, b.name));
  const candidates = ordered.map((seed) => candidate(spec, seed)).filter(({ lacks }) => lacks.length > 0);
  const stages = (['controller', 'storage', 'worker'] as const).flatMap((role) => {
    const group = candidates.filter(({ seed }) => groupOf(seed) === role);
    return (['touched', 'away'] as const).flatMap((level) =>
      batches(
        spec,
        role,
        group.filter((each) => each.level === level),
        level,
        limits,
      ).map((batch) => stage(spec, STAGE_OF[role], batch, level)),
    );
  });
  const { patches, reboot, drain, timing, onForeignUncordon } = spec;
  const actions: PlanActions = { patches, drain, timing, onForeignUncordon, ...(reboot ? { reboot } : {}) };
  return {
    plan: { digest: digest({ stages, actions, maxUnavailable: limits.maxUnavailable }), stages, actions },
    withoutRole: ordered.filter(({ roles }) => roles.length === 0).map(({ name }) => name),
  };
}

const STAGE_OF: Readonly<Record<Role, StageName>> = {
  controller: 'sw-patch-controllers',
  storage: 'sw-patch-storage-hosts',
  worker: 'sw-patch-worker-hosts',
};

function candidate(spec: PatchStrategySpec, seed: HostSeed): Candidate {
  const lacking = spec.patches.filter(({ current }) => unmetRequirements(current, seed.facts).length > 0);
  const level = lacking.some(({ rebootRequired }) => rebootRequired) ? 'away' : 'touched';
  return { seed, lacks: lacking.map(({ id }) => id), level };
}

/**
 * The one group that a host is planned in. As in the VIM a controller that is
 * a worker too goes with the workers; a storage host that is a worker too goes
 * with the storage hosts, whose stages are the more careful ones.
 */
function groupOf({ roles }: HostSeed): Role | undefined {
  if (roles.includes('controller')) return roles.includes('worker') ? 'worker' : 'controller';
  return roles.includes('storage') ? 'storage' : roles.find((role) => role === 'worker');
}

function batches(
  spec: PatchStrategySpec,
  role: Role,
  group: readonly Candidate[],
  level: OutageLevel,
  { maxUnavailable }: PoolLimits,
): Candidate[][] {
  const type = {
    controller: spec.controllerApplyType,
    storage: spec.storageApplyType,
    worker: spec.workerApplyType,
  }[role];
  if (type === 'ignore') return [];
  const wished = role === 'worker' ? spec.maxParallelWorkerHosts : maxUnavailable;
  const atOnce = type === 'serial' ? 1 : level === 'away' ? Math.min(wished, maxUnavailable) : wished;
  // Workers that are controllers too come first, each by itself (starlingx-vim.md §7.5).
  const alone = group.filter(({ seed }) => role === 'worker' && seed.roles.includes('controller'));
  const others = group.filter((each) => !alone.includes(each));
  return [...alone.map((each) => [each]), ...chunks(others, atOnce)];
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

function stage(
  spec: PatchStrategySpec,
  name: StageName,
  batch: readonly Candidate[],
  level: OutageLevel,
): Stage {
  const lacking = new Set(batch.flatMap(({ lacks }) => lacks));
  const steps = stageSteps(level, spec.timing);
  return {
    name,
    hosts: batch.map(({ seed }) => seed.name),
    patches: spec.patches.map(({ id }) => id).filter((id) => lacking.has(id)),
    level,
    steps,
    timeoutSeconds: timeoutOver(steps),
  };
}
