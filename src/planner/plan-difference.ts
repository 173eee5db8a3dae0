import type { PlanActions } from '../crds/patch-strategy-spec.ts';
import { digest } from './digest.ts';
import type { HostName } from './facts.ts';
import type { Stage } from './plan.ts';

const NAMED = 5;
type Staged = Pick<Stage, 'name'> & {
  readonly hosts?: readonly HostName[] | undefined;
  readonly patches?: readonly string[] | undefined;
};

/**
 * How the stages of a plan differ from those before, as people tell it: hosts
 * that are new in it or gone from it, hosts that moved to another stage, hosts
 * that are to get other patches, another number of stages. A host did not move
 * when its stage merely has another number, since stages before it came or went.
 * Undefined when all hosts stand where they stood and get what they got.
 */
export function planDifference(before: readonly Staged[], after: readonly Staged[]): string | undefined {
  const old = hostsOf(before);
  const now = hostsOf(after);
  const was = placesOf(before, now);
  const moved = [...placesOf(after, old)].filter(([host, place]) => was.get(host) !== place);
  const parts = [
    ...told(
      'added',
      [...now].filter((host) => !old.has(host)),
    ),
    ...told(
      'no longer in it',
      [...old].filter((host) => !now.has(host)),
    ),
    ...told(
      'in another stage',
      moved.map(([host]) => host),
    ),
    ...told('with other patches', repatched(before, after)),
    ...(before.length === after.length
      ? []
      : [`${String(after.length)} stages instead of ${String(before.length)}`]),
  ];
  return parts.length > 0 ? parts.join('; ') : undefined;
}

const ACTIONS = ['patches', 'reboot', 'drain', 'timing', 'onForeignUncordon'] as const;

/** Which fields of the spec say otherwise than before how hosts are worked on; undefined when none does. */
export function actionsDifference(before: PlanActions, after: PlanActions): string | undefined {
  const changed = ACTIONS.filter((field) => digest([before[field]]) !== digest([after[field]]));
  return changed.length > 0 ? `edited: ${changed.map((field) => `spec.${field}`).join(', ')}` : undefined;
}

function hostsOf(stages: readonly Staged[]): Set<HostName> {
  return new Set(stages.flatMap(({ hosts = [] }) => hosts));
}

/** The place of each of these hosts among the stages that have any of them. */
function placesOf(stages: readonly Staged[], of: ReadonlySet<HostName>): Map<HostName, number> {
  const common = stages
    .map(({ hosts = [] }) => hosts.filter((host) => of.has(host)))
    .filter((hosts) => hosts.length > 0);
  return new Map(common.flatMap((hosts, place) => hosts.map((host) => [host, place] as const)));
}

/** The hosts of stages that are the same but for their patches. */
function repatched(before: readonly Staged[], after: readonly Staged[]): HostName[] {
  const was = new Map(before.map(({ hosts = [], patches = [] }) => [hosts.join(), patches.join()]));
  return after.flatMap(({ hosts = [], patches = [] }) => {
    const old = was.get(hosts.join());
    return old === undefined || old === patches.join() ? [] : hosts;
  });
}

function told(what: string, hosts: readonly HostName[]): string[] {
  if (hosts.length === 0) return [];
  const more = hosts.length > NAMED ? ` and ${String(hosts.length - NAMED)} more` : '';
  return [`${what}: ${hosts.slice(0, NAMED).join(', ')}${more}`];
}
