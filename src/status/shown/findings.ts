/** The findings about a plan, as the status of its strategy shows them. */
import { KEPT_FINDINGS, KEPT_SUBJECTS, type Finding } from '../../crds/observed/finding.ts';
import type { HostPoolSpec } from '../../crds/host-pool.ts';
import { ownerKey, type OwnerName } from '../../crds/owner-ref.ts';
import type { StrategySpec } from '../../crds/spec/strategy-spec.ts';
import type { SkippedHost } from '../../crds/observed/strategy-status.ts';
import { statusText } from '../../crds/text/status-text.ts';
import type { InstanceAction } from '../../crds/vocabulary.ts';
import { limitIn } from '../../engine/permits/pool-capacity.ts';
import type { RunState } from '../../engine/run/run-state.ts';
import { holdsUp } from '../../engine/steps/unwell.ts';
import type { View } from '../../engine/view.ts';
import { compareHostNames, type HostName, type PlatformFacts } from '../../planner/hosts/facts.ts';
import { findings } from '../../planner/findings/findings.ts';
import type { HostState } from '../../planner/findings/situation.ts';
import { needsOf } from '../../planner/hosts/needs.ts';
import { shownBy } from '../../planner/hosts/shown-release.ts';
import type { Stage } from '../../planner/plan.ts';

/** A plan to look at: its owner, its pool, and what the pool does not permit. */
export type Inspected = {
  readonly owner: OwnerName;
  readonly spec: StrategySpec;
  readonly pool: { readonly metadata: { readonly name: string }; readonly spec: HostPoolSpec };
  readonly violations: readonly string[];
  readonly stages: readonly Stage[];
  /** What is known of the control plane, for an upgrade. */
  readonly platform?: PlatformFacts | undefined;
  /** The hosts that the run skips. */
  readonly skipped?: readonly SkippedHost[] | undefined;
};

/** What will block the plan or hurt it, as the hosts of its pool are now. It looks at every host. */
export function findingsNow(
  { owner, spec: given, pool, violations, stages, platform, skipped = [] }: Inspected,
  view: View,
): Finding[] {
  const spec = shownBy(pool.spec.provider, given);
  const isSkipped = (host: HostName): boolean => skipped.some(({ name }) => name === host);
  const hosts = hostStates(view, spec.defaultInstanceAction).map((each) =>
    isSkipped(each.name) ? { ...each, unwell: [] } : each,
  );
  const remaining = stages.map((each) => ({ ...each, hosts: each.hosts.filter((host) => !isSkipped(host)) }));
  const { maxUnavailable, paused, drainPolicy } = pool.spec;
  const { protectedNamespaces } = drainPolicy;
  const keptByOtherPools = [...view.fleet.keptByOtherPools].toSorted(compareHostNames);
  return findings({
    ...{ owner: ownerKey(owner), spec, hosts, violations, platform, words: view.words },
    stages: remaining.filter(({ hosts: names }) => names.length > 0),
    pool: { name: pool.metadata.name, maxUnavailable, paused, keptByOtherPools, protectedNamespaces },
    limit: limitIn(pool, view.fleet),
    placement: (away) => view.placement?.(away, spec.defaultInstanceAction ?? 'migrate'),
    about: stages.length > 0 ? hosts.length : needsOf(spec, hosts).hosts,
  });
}

function hostStates(view: View, action: InstanceAction = 'migrate'): HostState[] {
  const alarms = (view.signal('alarms')?.alarms ?? []).filter((alarm) => holdsUp(alarm, Infinity));
  const alarmsOn = Map.groupBy(alarms, ({ host }) => host);
  return view.seeds().map((seed) => {
    const { closedToNewWork = false, claim, spoiltClaim } = view.host(seed.name) ?? {};
    return {
      ...seed,
      unwell: (alarmsOn.get(seed.name) ?? []).map(({ text }) => text),
      outOfService: view.fleet.outOfServiceByOthers.has(seed.name),
      closedToNewWork,
      claimedBy: claim && { owner: ownerKey(claim.owner), level: claim.level },
      spoiltClaim,
      instances: view.forecast?.(seed.name, action),
    };
  });
}

/** The findings that no change outside the plan ends: they hold while it is carried out. */
const OF_THE_PLAN: ReadonlySet<Finding['reason']> = new Set([
  'HostWithoutRole',
  'FactUnknown',
  'LimitRounded',
  'StageCut',
  'NoWayBack',
  'VersionSkew',
  'BuildsDiffer',
  'ReleaseNotShown',
  'ImagesDiffer',
  'StageMissing',
]);

/**
 * The findings that the state of a run leaves. Once it has begun, its progress says what it waits for. What is staged
 * for another release matters also after its end.
 */
export function relevantFindings({ state }: Pick<RunState, 'state'>, found: readonly Finding[]): Finding[] {
  switch (state) {
    case 'ready-to-apply':
      return [...found];
    case 'applying':
    case 'apply-failed':
    case 'apply-timeout':
      return found.filter(({ reason }) => OF_THE_PLAN.has(reason));
    case 'applied':
      return found.filter(({ reason }) => reason === 'StagedForOther');
    default:
      return [];
  }
}

/** The findings that fit into a status: the gravest, each with its first subjects. */
export function boundedFindings(
  found: readonly Finding[],
): (Omit<Finding, 'subjects'> & { subjects: string[] })[] {
  return found.slice(0, KEPT_FINDINGS).map((each) => ({
    ...each,
    subjects: each.subjects.slice(0, KEPT_SUBJECTS),
    message: statusText(each.message),
    remedy: statusText(each.remedy),
  }));
}
