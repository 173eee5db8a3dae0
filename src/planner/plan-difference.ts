import { counted } from '../crds/counted.ts';
import type { PlanActions } from '../crds/strategy-spec.ts';
import { digest } from './digest.ts';
import type { HostName } from './facts.ts';
import type { Stage } from './plan.ts';

const NAMED = 5;
/** A stage, as far as plans differ in it. */
export type Staged = Pick<Stage, 'name'> & {
  readonly hosts?: readonly HostName[] | undefined;
  readonly patches?: readonly string[] | undefined;
};

/**
 * The differences between the stages of two plans, as one sentence: added and removed hosts, hosts in another stage,
 * hosts with other patches, another number of stages. A host does not count as moved when only the number of its stage
 * has changed, because stages before it were added or removed. Undefined when no host has another stage or patch.
 */
export function planDifference(before: readonly Staged[], after: readonly Staged[]): string | undefined {
  const old = hostsOf(before);
  const now = hostsOf(after);
  const was = placesOf(before, now);
  const moved = [...placesOf(after, old)].filter(([host, place]) => was.get(host) !== place);
  const parts = [
    ...hostsText(
      'added',
      [...now].filter((host) => !old.has(host)),
    ),
    ...hostsText(
      'removed',
      [...old].filter((host) => !now.has(host)),
    ),
    ...hostsText(
      'in another stage',
      moved.map(([host]) => host),
    ),
    ...hostsText('with other patches', repatched(before, after)),
    ...(before.length === after.length
      ? []
      : [`${counted(after.length, 'stage')} instead of ${String(before.length)}`]),
  ];
  return parts.length > 0 ? parts.join('; ') : undefined;
}

const ACTIONS = ['patches', 'reboot', 'drain', 'timing', 'onForeignUncordon'] as const;

/** The changed fields of the spec that decide how hosts are patched, as one sentence; undefined without a change. */
export function actionsDifference(before: PlanActions, after: PlanActions): string | undefined {
  const changed = ACTIONS.filter((field) => digest([before[field]]) !== digest([after[field]]));
  return changed.length > 0 ? `edited: ${changed.map((field) => `spec.${field}`).join(', ')}` : undefined;
}

function hostsOf(stages: readonly Staged[]): Set<HostName> {
  return new Set(stages.flatMap(({ hosts = [] }) => hosts));
}

/** By host, the position of its stage among the stages with at least one of these hosts. */
function placesOf(stages: readonly Staged[], of: ReadonlySet<HostName>): Map<HostName, number> {
  const common = stages
    .map(({ hosts = [] }) => hosts.filter((host) => of.has(host)))
    .filter((hosts) => hosts.length > 0);
  return new Map(common.flatMap((hosts, place) => hosts.map((host) => [host, place] as const)));
}

/** The hosts of stages that differ only in their patches. */
function repatched(before: readonly Staged[], after: readonly Staged[]): HostName[] {
  const was = new Map(before.map(({ hosts = [], patches = [] }) => [hosts.join(), patches.join()]));
  return after.flatMap(({ hosts = [], patches = [] }) => {
    const old = was.get(hosts.join());
    return old === undefined || old === patches.join() ? [] : hosts;
  });
}

function hostsText(what: string, hosts: readonly HostName[]): string[] {
  if (hosts.length === 0) return [];
  const more = hosts.length > NAMED ? ` and ${String(hosts.length - NAMED)} more` : '';
  return [`${what}: ${hosts.slice(0, NAMED).join(', ')}${more}`];
}
