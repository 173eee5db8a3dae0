import type { HostPoolStatus, Permit } from '../crds/host-pool.ts';
import { guardOperations, jsonPatch, type Operation } from '../kube/json-patch.ts';

/**
 * The JSON patch (RFC 6902) that turns one status of a pool into another. It holds
 * only the permits that are added or removed, so a write costs the same however
 * many there are. The API server refuses the patch when the pool was replaced or
 * has changed since it was read: uid and resourceVersion are part of it.
 */
export function poolPatch(
  version: { readonly uid: string; readonly resourceVersion: string },
  before: HostPoolStatus,
  after: HostPoolStatus,
): Operation[] {
  const guard = guardOperations(version);
  if (Object.keys(before).length === 0) return [...guard, { op: 'add', path: '/status', value: after }];
  const { permits: permitsBefore, ...restBefore } = before;
  const { permits: permitsAfter, ...restAfter } = after;
  return [...guard, ...jsonPatch(restBefore, restAfter, '/status'), ...permits(permitsBefore, permitsAfter)];
}

/** Removes from the end, so that the indexes of the permits before stay valid; then appends the new permits. */
function permits(before: readonly Permit[] | undefined, after: readonly Permit[] = []): Operation[] {
  if (before === undefined) return [{ op: 'add', path: '/status/permits', value: after }];
  const kept = new Set(after.map(identity));
  const had = new Set(before.map(identity));
  const gone = [...before.entries()].filter(([, permit]) => !kept.has(identity(permit)));
  return [
    ...gone.reverse().flatMap(([index, { host }]) => removal(`/status/permits/${String(index)}`, host)),
    ...after
      .filter((permit) => !had.has(identity(permit)))
      .map((value): Operation => ({ op: 'add', path: '/status/permits/-', value })),
  ];
}

/** Tests the host first: the API server refuses the patch when the index holds another permit. */
function removal(path: string, host: string): Operation[] {
  return [
    { op: 'test', path: `${path}/host`, value: host },
    { op: 'remove', path },
  ];
}

function identity({ host, run, level, since }: Permit): string {
  return [host, run, level, since].join('/');
}
