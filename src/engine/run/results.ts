import { statusText } from '../../crds/text/status-text.ts';
import type { Result } from '../../crds/vocabulary.ts';
import { isFinal } from './run-state.ts';

/** How a step, a stage or a phase ended. */
export type Ending = { readonly result: Result; readonly reason?: string | undefined };

/** `ends`: the part that a timer of the VIM ends while its running step stays as it is. */
export type PartEnding = Ending & { readonly ends?: 'stage' | 'phase' };

/** The timer that fires, and the timeout of its part. */
export type Due = { readonly timer: 'step' | 'stage' | 'phase'; readonly timeoutSeconds: number };

/** Whether the next part may begin after a part with this result. */
export function isGood(result: Result): boolean {
  return result === 'success' || result === 'degraded';
}

/** The ending of a part that failed for these reasons. */
export function failedBecause(reasons: readonly string[]): Ending {
  return { result: 'failed', reason: statusText(reasons.join('; ')) };
}

/**
 * The result of a whole: the worst among its ended parts, with its reason. The first of equal ones counts
 * (starlingx-vim.md §4).
 */
export function combined(parts: readonly Ending[]): Ending {
  const ended = parts.filter(({ result }) => isFinal(result));
  if (ended.length === 0) return { result: 'success' };
  return ended.reduce((whole, part) => (badness(part.result) > badness(whole.result) ? part : whole));
}

function badness(result: Result): number {
  if (result === 'success') return 0;
  return result === 'degraded' ? 1 : 2;
}
