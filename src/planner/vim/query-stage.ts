import type { Profile } from './profile.ts';
import type { Kind } from './request.ts';
import { step, type QueryName, type Stage } from './steps.ts';

const QUERIES: Readonly<Record<Kind, readonly QueryName[]>> = {
  'sw-patch': ['query-alarms', 'query-sw-patches', 'query-sw-patch-hosts'],
  'sw-upgrade': ['query-alarms', 'query-upgrade'],
};

/** The one stage of a build phase (starlingx-vim.md §6.1). */
export function queryStage(profile: Profile, kind: Kind): Stage {
  return { name: `${kind}-query`, steps: QUERIES[kind].map((name) => step(profile, name)) };
}
