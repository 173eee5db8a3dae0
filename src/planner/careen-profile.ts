/**
 * The native profile: the order of the roles, and the names of their stages. The steps of a stage are in step-kinds.ts.
 * The differences to the VIM and their reasons: docs/decisions/0011-the-native-profile.md.
 */
import type { Role, StageName } from '../crds/vocabulary.ts';

type NativeProfile = {
  /** In the order of their stages. */
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
