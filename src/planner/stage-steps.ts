import type { Timing } from '../crds/timing.ts';
import type { OutageLevel } from '../crds/vocabulary.ts';
import type { Step } from './plan.ts';
import { QUERY_TIMEOUT_SECONDS, STEP_KINDS, STEP_ORDER } from './step-kinds.ts';

/** The one stage of a build phase (starlingx-vim.md §6.1). */
export const QUERY_STEPS: readonly Step[] = [
  { name: 'query-alarms', timeoutSeconds: QUERY_TIMEOUT_SECONDS },
  { name: 'query-sw-patches', timeoutSeconds: QUERY_TIMEOUT_SECONDS },
  { name: 'query-sw-patch-hosts', timeoutSeconds: QUERY_TIMEOUT_SECONDS },
];

/** The steps of a native stage. */
export function stageSteps(level: OutageLevel, timing: Timing): Step[] {
  let outageOpen = false;
  return STEP_ORDER[level].map((name) => {
    const { opensOutage, closesOutage, timeoutSeconds } = STEP_KINDS[name];
    if (opensOutage === level) outageOpen = true;
    const step = { name, timeoutSeconds: timeoutSeconds(timing, outageOpen) };
    if (closesOutage === level) outageOpen = false;
    return step;
  });
}

/** The timeout of a stage or phase: the sum over its parts plus one second; 0 without parts (starlingx-vim.md §5). */
export function timeoutOver(parts: readonly { readonly timeoutSeconds: number }[]): number {
  return parts.length === 0 ? 0 : parts.reduce((sum, { timeoutSeconds }) => sum + timeoutSeconds, 1);
}
