/** The pieces of work of a strategy: which hosts lack them, whether they close a host, and which step does them. Pure. */
import type { PlanActions, StrategySpec, TargetRelease, Work } from '../../crds/spec/strategy-spec.ts';
import { upgradeRole } from '../../crds/spec/strategy-spec.ts';
import { REBOOT, type Role } from '../../crds/vocabulary.ts';
import { unmetRequirements } from './current.ts';
import type { Facts, HostSeed } from './facts.ts';
import { groupOf } from '../host-group.ts';
import type { StepKindName } from '../step-kinds.ts';

type Asked = Pick<StrategySpec, 'patches' | 'release'>;

/** The role in which a strategy takes a host. */
export function roleIn(
  { release }: Pick<Asked, 'release'>,
  { roles }: Pick<HostSeed, 'roles'>,
): Role | undefined {
  return release ? upgradeRole(roles) : groupOf({ roles });
}

/** The patches, or the upgrade of its role, that a host lacks, in the order of the spec. */
export function lackingWork(spec: Asked, seed: Pick<HostSeed, 'roles' | 'facts'>): Work[] {
  return workFor(spec, seed).filter((work) => isGoal(work) && isLacking(work, seed.facts));
}

/** The pieces of work for hosts of the role in which a strategy takes this one. */
export function workFor(spec: Asked, host: Pick<HostSeed, 'roles'>): Work[] {
  const own = roleIn(spec, host);
  return spec.patches.filter(({ role }) => role === undefined || role === own);
}

/** Whether a host that lacks this work is not as the strategy wants it. The rest only prepares or ends an upgrade. */
export function isGoal({ kind }: Work): boolean {
  return kind === undefined || kind === 'upgrade' || kind === 'rollback';
}

/** Whether a host lacks a piece of work. What has no requirements is done once in each run. */
export function isLacking({ current }: Pick<Work, 'current'>, facts: Facts): boolean {
  return current.length === 0 || unmetRequirements(current, facts).length > 0;
}

/** The facts that decide which hosts lack something, each once. */
export function comparedFacts({ patches, release }: Asked): string[] {
  const compared = patches.flatMap(({ current }) => current.map(({ fact }) => fact));
  return [...new Set([...compared, ...(release?.fact === undefined ? [] : [release.fact])])];
}

/** Whether a host does not have the target release, as far as a fact shows that. */
export function lacksRelease({ fact, version }: TargetRelease, facts: Facts): boolean {
  const current: Work['current'] =
    fact === undefined ? [] : [{ fact, operator: 'AtLeast', values: [version] }];
  return isLacking({ current }, facts);
}

/** Whether this work requires that its host is empty. */
export function needsDrain({ drain = 'ifRebootRequired', rebootRequired }: Work): boolean {
  return drain === 'always' || (drain === 'ifRebootRequired' && rebootRequired);
}

/** The step that brings hosts where a strategy wants them. */
export function actOf(release: TargetRelease | undefined): StepKindName {
  if (!release) return 'sw-patch-hosts';
  return release.rollback ? 'rollback-hosts' : 'upgrade-hosts';
}

/** The step that does a piece of work, or the reboot after it. */
export function stepOfWork(
  { patches, release }: Pick<PlanActions, 'patches' | 'release'>,
  id: string,
): StepKindName {
  if (id === REBOOT) return actOf(release);
  const { kind } = patches.find((work) => work.id === id) ?? {};
  switch (kind) {
    case undefined:
      return 'sw-patch-hosts';
    case 'upgrade':
      return 'upgrade-hosts';
    case 'rollback':
      return 'rollback-hosts';
    case 'stage':
      return 'stage-hosts';
    case 'action':
      return 'run-actions';
    case 'hook':
      return HOOK_STEPS[id] ?? 'start-upgrade';
  }
}

const HOOK_STEPS: Readonly<Record<string, StepKindName>> = {
  start: 'start-upgrade',
  activate: 'activate-upgrade',
  complete: 'complete-upgrade',
};
