/**
 * The spec of a strategy of any kind, in one form: planner, engine and status know only this one. The hosts lack pieces
 * of work; for a PatchStrategy these are its patches.
 */
import { z } from 'zod';
import { drain, onForeignUncordon } from './drain.ts';
import { ACTION_METADATA_VARIABLE } from '../names.ts';
import { job, plannedAction, type HostAction } from './host-action.ts';
import type { MaintenanceSessionSpec } from './maintenance-session-spec.ts';
import { patch, type PatchStrategySpec } from './patch-strategy-spec.ts';
import { withVariables } from './pod-additions.ts';
import { requirement, type CurrentRequirement } from './requirement.ts';
import { sessionTerms, type SessionTerms } from './session-terms.ts';
import { planTiming, type Timing } from './timing.ts';
import { MOST_UNSTAGED, type UpgradeStrategySpec } from './upgrade-strategy-spec.ts';
import { DRAIN_NEEDS, ROLES, VIM_PROFILES, WORK_KINDS, type Role, type VimProfile } from '../vocabulary.ts';

/** A host that was brought back has a version below that of the release. */
const below = z.object({ fact: z.string(), operator: z.literal('Below'), values: z.array(z.string()) });
export type WorkRequirement = CurrentRequirement | z.infer<typeof below>;

/** One piece of work on a host: a patch, or a part of an upgrade. */
const work = z.object({
  id: patch.shape.id,
  rebootRequired: z.boolean().default(false),
  /** A host that meets all these requirements does not lack the work. Without any, each run does it once. */
  current: z.array(z.union([requirement, below])),
  action: plannedAction,
  /** Absent for a patch. */
  kind: z.enum(WORK_KINDS).optional(),
  /** The role of the hosts that it is for; absent: of all. */
  role: z.enum(ROLES).optional(),
  /** Whether its hosts are drained; absent: if it requires a reboot. */
  drain: z.enum(DRAIN_NEEDS).optional(),
});
export type Work = z.infer<typeof work>;

/** The target of an upgrade. */
const target = z.object({
  version: z.string(),
  /** Absent: nothing shows the release of a host, so each run upgrades each host once. */
  fact: z.string().optional(),
  /** The hosts are brought back to the release before. */
  rollback: z.boolean().optional(),
  /** The roles whose hosts can be brought back. */
  waysBack: z.array(z.enum(ROLES)).optional(),
});
export type TargetRelease = z.infer<typeof target>;

export type StrategySpec = Omit<
  PatchStrategySpec,
  'patches' | 'timing' | 'defaultInstanceAction' | 'profile'
> & {
  readonly patches: Work[];
  readonly timing: Timing;
  /** Absent: Careen composes the plan. */
  readonly profile?: VimProfile | undefined;
  /** Absent: the instances on a host move away. */
  readonly defaultInstanceAction?: 'stop-start' | undefined;
  /** Only an upgrade has one. */
  readonly release?: TargetRelease | undefined;
  /** The rollback of an upgrade while that is not asked for: the pool judges it, too. */
  readonly inReserve?: readonly Work[] | undefined;
  /** Only an upgrade has it. */
  readonly maxParallelStagedHosts?: number | undefined;
  /** Only an upgrade in which hosts may fail to be staged has it. */
  readonly maxUnstagedHosts?: number | undefined;
  /** Only a session has it. */
  readonly session?: SessionWish | undefined;
};

/** What a session is about: its terms, and its hosts by name; none: all hosts of the pool. */
export type SessionWish = SessionTerms & { readonly hosts: readonly string[] };

/** The part of a spec that carries out a plan. `status.run.actions` keeps it: an edit cannot change an open run. */
export const planActions = z.object({
  patches: z.array(work),
  reboot: z.object({ job }).optional(),
  drain,
  timing: planTiming,
  onForeignUncordon,
  /** Absent: Careen composed the plan, and carries it out in its own way. */
  profile: z.enum(VIM_PROFILES).optional(),
  /** Absent: the instances on a host move away. */
  defaultInstanceAction: z.literal('stop-start').optional(),
  release: target.optional(),
  /** How many hosts may fail to be staged; absent: none. */
  maxUnstagedHosts: z.int().min(1).max(MOST_UNSTAGED).optional(),
  /** Only a session has them. */
  session: sessionTerms.optional(),
});
export type PlanActions = z.infer<typeof planActions>;

/** The patches as pieces of work. */
export function specOfPatches({ defaultInstanceAction, profile, ...spec }: PatchStrategySpec): StrategySpec {
  const patches = spec.patches.map((each) => ({ ...each, current: each.current ?? [] }));
  return { ...spec, ...unlessUsual({ defaultInstanceAction, profile }), patches };
}

/** Nothing for what is usual: specs and plans of earlier versions keep their digests. */
function unlessUsual({
  defaultInstanceAction: action,
  profile,
}: Pick<PatchStrategySpec, 'defaultInstanceAction' | 'profile'>): Pick<
  StrategySpec,
  'defaultInstanceAction' | 'profile'
> {
  return {
    ...(action === 'stop-start' ? { defaultInstanceAction: action } : {}),
    ...(profile === 'careen' ? {} : { profile }),
  };
}

/** An upgrade as pieces of work, in the order in which they are done. */
export function specOfUpgrade(spec: UpgradeStrategySpec): StrategySpec {
  const { release, hosts, start, activate, complete, timing, rollback, maxUnstagedHosts, ...others } = spec;
  const { defaultInstanceAction, profile, ...common } = others;
  const { upgradeTimeoutSeconds, ...times } = timing;
  const { version, fact } = release;
  const back = ROLES.flatMap((role): Work[] => {
    const { rollback: way, rebootRequired = false, drain: needed = 'always' } = hosts[role] ?? {};
    if (!way) return [];
    const current: Work['current'] = [{ fact, operator: 'Below', values: [version] }];
    const of = { id: `rollback-${role}`, kind: 'rollback', role } as const;
    return [{ ...of, rebootRequired, drain: needed, current, action: { job: way.job } }];
  });
  const staging = ROLES.flatMap((role): Work[] => {
    const stage = hosts[role]?.stage;
    if (!stage) return [];
    const of = { id: `stage-${role}`, kind: 'stage', role } as const;
    return [{ ...of, rebootRequired: false, current: stage.staged ?? [], action: { job: stage.job } }];
  });
  const upgrading = ROLES.flatMap((role): Work[] => {
    const upgrade = hosts[role];
    if (!upgrade) return [];
    const { action, rebootRequired, drain: needed } = upgrade;
    const current: Work['current'] = [{ fact, operator: 'AtLeast', values: [version] }];
    return [{ id: role, kind: 'upgrade', role, rebootRequired, drain: needed, current, action }];
  });
  const hooks = Object.entries({ start, activate, complete }).flatMap(([id, action]): Work[] =>
    action ? [{ id, kind: 'hook', rebootRequired: false, current: [], action }] : [],
  );
  return {
    ...common,
    ...unlessUsual({ defaultInstanceAction, profile }),
    timing: { ...times, patchTimeoutSeconds: upgradeTimeoutSeconds },
    patches: rollback ? back : [...staging, ...upgrading, ...hooks],
    inReserve: rollback ? [] : back,
    // Absent without such hosts: specs and plans of earlier versions keep their digests.
    ...(maxUnstagedHosts > 0 && !rollback ? { maxUnstagedHosts } : {}),
    release: {
      ...release,
      waysBack: back.flatMap(({ role }) => role ?? []),
      ...(rollback ? { rollback } : {}),
    },
  };
}

/** A session: its actions are pieces of work, with the ids of their plug-ins. */
export function specOfSession(spec: MaintenanceSessionSpec): StrategySpec {
  const {
    hosts,
    maintenanceAt,
    workflow,
    metadata,
    actions,
    downloads,
    replies,
    startState: _first,
    ...common
  } = spec;
  const { onSilence, ...times } = replies;
  return {
    ...common,
    controllerApplyType: 'serial',
    storageApplyType: 'serial',
    workerApplyType: 'serial',
    maxParallelWorkerHosts: 1,
    patches: actions.map(({ plugin, type: _when, metadata: told, ...action }) => ({
      ...{ id: plugin, kind: 'action', rebootRequired: false, current: [] },
      action: told ? withMetadata(action, told) : action,
    })),
    session: {
      ...{ hosts, workflow, metadata, silent: onSilence, ...times },
      ...(maintenanceAt === undefined ? {} : { startAt: maintenanceAt }),
      actions: actions.map(({ plugin, type }) => ({ id: plugin, plugin, type })),
      ...(downloads.length > 0 ? { downloads } : {}),
    },
  };
}

function withMetadata(
  { job, ...action }: HostAction,
  metadata: Readonly<Record<string, string>>,
): HostAction {
  if (!job) return action;
  const { spec, ...template } = job.template;
  const variables = { [ACTION_METADATA_VARIABLE]: JSON.stringify(metadata) };
  return { ...action, job: { ...job, template: { ...template, spec: withVariables(spec, variables) } } };
}

/** Where the Job of a piece of work stands in the spec; `index`: its position among all. */
export function fieldOfWork({ id, kind, role = 'worker' }: Work, index: number): string {
  switch (kind) {
    case undefined:
      return `spec.patches[${String(index)}].action.job`;
    case 'upgrade':
      return `spec.hosts.${role}.action.job`;
    case 'stage':
      return `spec.hosts.${role}.stage.job`;
    case 'rollback':
      return `spec.hosts.${role}.rollback.job`;
    case 'hook':
      return `spec.${id}.job`;
    case 'action':
      return `spec.actions[${String(index)}].job`;
  }
}

/** The field of `spec.timing` that holds a time of a plan. */
export function timingField(field: string, release: TargetRelease | undefined): string {
  return release && field === 'patchTimeoutSeconds' ? 'upgradeTimeoutSeconds' : field;
}

/** The role in which a host is upgraded: the gravest one. */
export function upgradeRole(roles: readonly Role[]): Role | undefined {
  return ROLES.find((role) => roles.includes(role));
}
