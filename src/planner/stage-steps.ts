import type { Step } from './plan.ts';

export const QUERY_TIMEOUT_SECONDS = 60;

/** The one stage of a build phase (starlingx-vim.md §6.1). */
export const QUERY_STEPS: readonly Step[] = [
  { name: 'query-alarms', timeoutSeconds: QUERY_TIMEOUT_SECONDS },
  { name: 'query-sw-patches', timeoutSeconds: QUERY_TIMEOUT_SECONDS },
  { name: 'query-sw-patch-hosts', timeoutSeconds: QUERY_TIMEOUT_SECONDS },
];

/** A stage or phase may take as long as its parts together, and a second (starlingx-vim.md §5); 0 without parts. */
export function timeoutOver(parts: readonly { readonly timeoutSeconds: number }[]): number {
  return parts.length === 0 ? 0 : parts.reduce((sum, { timeoutSeconds }) => sum + timeoutSeconds, 1);
}
