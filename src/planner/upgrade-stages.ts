/** The stages of an upgrade besides those that upgrade hosts: staging and start before them, activate and complete after. */
import type { StrategySpec } from '../crds/spec/strategy-spec.ts';
import { ROLE_ORDER } from './careen-profile.ts';
import type { HostName, HostSeed } from './hosts/facts.ts';
import { chunks } from './lists.ts';
import type { PlanLimits } from './plan-limits.ts';
import type { Stage } from './plan.ts';
import { workStage } from './stage-steps.ts';
import type { StepKindName } from './step-kinds.ts';
import { isSameRelease } from './hosts/version.ts';
import { isLacking, lackingWork, roleIn } from './hosts/work.ts';

/**
 * Stages every host that is to be upgraded, then starts on `host`. `hosts`: those that the strategy is about, by name. None
 * when no host is to be upgraded.
 */
export function beforeTheHosts(
  spec: StrategySpec,
  hosts: readonly HostSeed[],
  host: HostName | undefined,
): Stage[] {
  const toUpgrade =
    spec.release && !spec.release.rollback ? hosts.filter((host) => lackingWork(spec, host).length > 0) : [];
  if (toUpgrade.length === 0) return [];
  return [...stagingOf(spec, toUpgrade), ...hookStage(spec, 'sw-upgrade-start', ['start'], host)];
}

/** Activates and completes. None when this strategy has done that for its release already. */
export function afterTheHosts(
  spec: StrategySpec,
  hosts: readonly HostSeed[],
  host: HostName | undefined,
  { completedRelease, completedHooks = [] }: Pick<PlanLimits, 'completedRelease' | 'completedHooks'>,
): Stage[] {
  const { release } = spec;
  // Nobody ends an upgrade that is about no host.
  if (!release || release.rollback || hosts.length === 0) return [];
  const isComplete = completedRelease !== undefined && isSameRelease(completedRelease, release.version);
  const isDone = isComplete && hosts.every((each) => lackingWork(spec, each).length === 0);
  const hooks = (['activate', 'complete'] as const).filter((id) => !isDone || !completedHooks.includes(id));
  return hookStage(spec, 'sw-upgrade-complete', hooks, host);
}

function stagingOf(spec: StrategySpec, hosts: readonly HostSeed[]): Stage[] {
  return ROLE_ORDER.flatMap((role) => {
    const staging = spec.patches.find((work) => work.kind === 'stage' && work.role === role);
    if (!staging) return [];
    const names = hosts
      .filter((host) => roleIn(spec, host) === role && isLacking(staging, host.facts))
      .map(({ name }) => name);
    return chunks(names, spec.maxParallelStagedHosts ?? 1).map((some) =>
      workStage(spec, {
        name: 'sw-upgrade-stage-hosts',
        hosts: some,
        work: [staging.id],
        acts: ['stage-hosts'],
        level: 'touched',
        drained: false,
      }),
    );
  });
}

function hookStage(
  spec: StrategySpec,
  name: 'sw-upgrade-start' | 'sw-upgrade-complete',
  wanted: readonly ('start' | 'activate' | 'complete')[],
  host: HostName | undefined,
): Stage[] {
  const hooks = wanted.filter((id) => spec.patches.some((work) => work.kind === 'hook' && work.id === id));
  if (hooks.length === 0 || host === undefined) return [];
  const acts = hooks.map((id): StepKindName => `${id}-upgrade`);
  return [workStage(spec, { name, hosts: [host], work: hooks, acts, level: 'touched', drained: false })];
}

/**
 * The host on which hooks run: the first controller of the pool, also where controllers are left out of the upgrade, or
 * its first host where there is no controller. Never one that a request leaves out.
 */
export function hostOfHooks(
  pool: readonly HostSeed[],
  skipped: readonly HostName[] = [],
): HostName | undefined {
  const hosts = pool.filter(({ name }) => !skipped.includes(name));
  return (hosts.find(({ roles }) => roles.includes('controller')) ?? hosts[0])?.name;
}
