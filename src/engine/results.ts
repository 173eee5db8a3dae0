import { truncate } from '../crds/truncate.ts';
import type { Result } from '../crds/vocabulary.ts';
import { isFinal } from './run-state.ts';

/** How a step, a stage or a phase ended. */
export type Ending = { readonly result: Result; readonly reason?: string | undefined };

/** A timer of the VIM may end a stage or a phase and leave the running step as it is: `ends` says which. */
export type PartEnding = Ending & { readonly ends?: 'stage' | 'phase' };

/** The timer that fires, and how long its part might take. */
export type Due = { readonly timer: 'step' | 'stage' | 'phase'; readonly timeoutSeconds: number };

/** Whether what comes after a part with this result may begin. */
export function isGood(result: Result): boolean {
  return result === 'success' || result === 'degraded';
}

/** The ending of a part that failed for these reasons. */
export function failedBecause(reasons: readonly string[]): Ending {
  return { result: 'failed', reason: truncate(reasons.join('; ')) };
}

/**
 * The result of a whole, from those of its parts that have ended: the worst,
 * with its reason, and of equals the first (starlingx-vim.md §4).
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
