/**
 * The native profile: in which order roles are planned, and how their stages are called; which steps these have is in
 * step-kinds.ts. Where it departs from the VIM, and why: docs/decisions/0011-the-native-profile.md.
 */
import type { Role, StageName } from '../crds/vocabulary.ts';

type NativeProfile = {
  /** In the order in which their hosts are planned. */
  readonly roles: readonly Role[];
  readonly stageOf: Readonly<Record<Role, StageName>>;
};

export const CAREEN_PLANNING: NativeProfile = {
  roles: ['controller', 'storage', 'worker'],
  stageOf: {
    controller: 'sw-patch-controllers',
    storage: 'sw-patch-storage-hosts',
    worker: 'sw-patch-worker-hosts',
  },
};
