import type { Timing } from '../crds/patch-strategy-spec.ts';
import type { OutageLevel } from '../crds/vocabulary.ts';
import type { Step } from './plan.ts';

const QUERY_TIMEOUT_SECONDS = 60;

/** The one stage of a build phase (starlingx-vim.md §6.1). */
export const QUERY_STEPS: readonly Step[] = [
  { name: 'query-alarms', timeoutSeconds: QUERY_TIMEOUT_SECONDS },
  { name: 'query-sw-patches', timeoutSeconds: QUERY_TIMEOUT_SECONDS },
  { name: 'query-sw-patch-hosts', timeoutSeconds: QUERY_TIMEOUT_SECONDS },
];

/**
 * The native order of steps. Unlike in the VIM a host is locked before it is
 * emptied, so that nothing new arrives meanwhile, and it is verified before it
 * is unlocked. Hosts that need no reboot keep their work, as in the VIM.
 */
export function stageSteps(level: OutageLevel, timing: Timing): Step[] {
  const alarms: Step = { name: 'query-alarms', timeoutSeconds: QUERY_TIMEOUT_SECONDS };
  const patch: Step = { name: 'sw-patch-hosts', timeoutSeconds: timing.patchTimeoutSeconds };
  const verify: Step = { name: 'verify', timeoutSeconds: timing.verifyTimeoutSeconds };
  const stabilize: Step = { name: 'system-stabilize', timeoutSeconds: timing.stabilizeSeconds };
  if (level === 'touched') return [alarms, patch, verify, stabilize];
  return [
    alarms,
    { name: 'lock-hosts', timeoutSeconds: timing.lockTimeoutSeconds },
    { name: 'migrate-instances-from-host', timeoutSeconds: timing.drainTimeoutSeconds },
    patch,
    verify,
    { name: 'system-stabilize', timeoutSeconds: timing.settleSeconds },
    { name: 'unlock-hosts', timeoutSeconds: timing.unlockTimeoutSeconds },
    stabilize,
  ];
}

/** A stage or phase may take as long as its parts together, and a second (starlingx-vim.md §5); 0 without parts. */
export function timeoutOver(parts: readonly { readonly timeoutSeconds: number }[]): number {
  return parts.length === 0 ? 0 : parts.reduce((sum, { timeoutSeconds }) => sum + timeoutSeconds, 1);
}
