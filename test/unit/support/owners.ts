import type { OwnerRef } from '../../../src/crds/owner-ref.ts';

/** An owner of this name; by default of the kind in most tests. */
export function ownerNamed(name: string, kind = 'PatchStrategy'): OwnerRef {
  return { kind, namespace: 'a', name, uid: `uid-of-${kind}-${name}` };
}
