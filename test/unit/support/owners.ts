import type { OwnerRef } from '../../../src/crds/owner-ref.ts';

/** An owner of this name; of the kind that the tests know unless another is given. */
export function ownerNamed(name: string, kind = 'PatchStrategy'): OwnerRef {
  return { kind, namespace: 'a', name, uid: `uid-of-${kind}-${name}` };
}
