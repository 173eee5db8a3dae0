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

/** A stage or phase may take as long as its parts together, and a second (starlingx-vim.md §5); 0 without parts. */
export function timeoutOver(parts: readonly { readonly timeoutSeconds: number }[]): number {
  return parts.length === 0 ? 0 : parts.reduce((sum, { timeoutSeconds }) => sum + timeoutSeconds, 1);
}
