import { counted } from '../crds/text/counted.ts';
import { fieldOfWork, type PlanActions, type Work } from '../crds/spec/strategy-spec.ts';
import { digest } from './digest.ts';
import type { HostName } from './hosts/facts.ts';
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
export function planDifference(
  before: readonly Staged[],
  after: readonly Staged[],
  pieces = 'patches',
): string | undefined {
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
    ...hostsText(`with other ${pieces}`, repatched(before, after)),
    ...(before.length === after.length
      ? []
      : [`${counted(after.length, 'stage')} instead of ${String(before.length)}`]),
  ];
  return parts.length > 0 ? parts.join('; ') : undefined;
}

const OTHERS = ['reboot', 'drain', 'timing', 'onForeignUncordon', 'maxUnstagedHosts'] as const;

/** The changed fields of the spec that decide how hosts are worked on, as one sentence; undefined without a change. */
export function actionsDifference(before: PlanActions, after: PlanActions): string | undefined {
  const others = OTHERS.filter((field) => digest([before[field]]) !== digest([after[field]]));
  const changed = [...new Set([...changedWork(before, after), ...others.map((field) => `spec.${field}`)])];
  return changed.length > 0 ? `edited: ${changed.join(', ')}` : undefined;
}

/** The fields of the spec that say what hosts get, as the kind has them. */
function changedWork(before: PlanActions, after: PlanActions): string[] {
  if (!after.release) return digest(before.patches) === digest(after.patches) ? [] : ['spec.patches'];
  const { rollback: was, ...old } = before.release ?? {};
  const { rollback, ...now } = after.release;
  const fields = [
    ...(digest([old]) === digest([now]) ? [] : ['spec.release']),
    ...(was === rollback ? [] : ['spec.rollback']),
  ];
  const ids = [...new Set([...before.patches, ...after.patches].map(({ id }) => id))];
  // A way back has other work than the upgrade: nobody edited that.
  if (was !== rollback) return fields;
  const edited = ids.flatMap((id) => {
    const [one, other] = [before, after].map(({ patches }) => patches.find((work) => work.id === id));
    const work = other ?? one;
    return work && digest([ofItself(one)]) !== digest([ofItself(other)]) ? [fieldOfWork(work, 0)] : [];
  });
  return [...fields, ...edited.map((field) => field.replace(/\.job$/, ''))];
}

/** A piece of work without what the release says. */
function ofItself(work: Work | undefined): unknown {
  if (work?.kind !== 'upgrade' && work?.kind !== 'rollback') return work;
  const { current: _ofRelease, ...own } = work;
  return own;
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
