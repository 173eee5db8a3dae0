/**
 * The native profile: the order of the roles, and the names of their stages. The steps of a stage are in step-kinds.ts.
 * The differences to the VIM and their reasons: docs/decisions/0011-the-native-profile.md.
 */
import type { Role, StageName } from '../crds/vocabulary.ts';

/** The roles, in the order of their stages. */
export const ROLE_ORDER: readonly Role[] = ['controller', 'storage', 'worker'];

/** The names of the stages that patch, and of those that upgrade. */
export const STAGE_OF = {
  patch: {
    controller: 'sw-patch-controllers',
    storage: 'sw-patch-storage-hosts',
    worker: 'sw-patch-worker-hosts',
  },
  upgrade: {
    controller: 'sw-upgrade-controllers',
    storage: 'sw-upgrade-storage-hosts',
    worker: 'sw-upgrade-worker-hosts',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<Role, StageName>>>>;
