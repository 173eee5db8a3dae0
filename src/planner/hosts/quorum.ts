/**
 * The quorum of a control plane: more than half of its members must be in service. A control plane of one or two has no
 * member to spare, so nothing is asked of it. Pure.
 */
import { counted } from '../../crds/text/counted.ts';
import { compareHostNames, type HostName } from './facts.ts';
import { listed } from '../listed.ts';

const SMALLEST = 3;
/** No control plane has as many members; a pool with more controllers selects other hosts as well. */
export const MOST_MEMBERS = 100;

/** Whether each member of this control plane is needed for its quorum. */
export function hasNoneToSpare(controllers: number): boolean {
  return controllers < SMALLEST;
}

/**
 * Why hosts may not go out of service: too few controllers would be left. Undefined when they may, or none of them is a
 * controller.
 * @param out the controllers that are not in service already; other hosts in it do not matter
 * @param why what those who were asked said
 */
export function againstQuorum(
  controllers: ReadonlySet<HostName>,
  out: ReadonlySet<HostName>,
  taken: readonly HostName[],
  why: ReadonlyMap<HostName, string> = new Map(),
): string | undefined {
  const members = taken.filter((name) => controllers.has(name));
  if (members.length === 0 || hasNoneToSpare(controllers.size)) return undefined;
  const left = controllers.difference(out).difference(new Set(members)).size;
  const needed = Math.floor(controllers.size / 2) + 1;
  if (left >= needed) return undefined;
  const already = [...controllers.intersection(out)]
    .filter((name) => !members.includes(name))
    .toSorted(compareHostNames)
    .map((name) => (why.has(name) ? `${name}: ${why.get(name) ?? ''}` : name));
  return (
    `without ${listed(members)} ${String(left)} of ${counted(controllers.size, 'controller')} would be in service, a ` +
    `quorum needs ${String(needed)} (out of service: ${listed(already) || 'none'})`
  );
}
