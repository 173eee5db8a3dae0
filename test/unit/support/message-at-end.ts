import { strategyWords } from '../../../src/crds/text/strategy-words.ts';
import type { RunState } from '../../../src/engine/run/run-state.ts';
import { messageOf } from '../../../src/status/shown/message.ts';

/** The message of a run at rest; `spec` says what its strategy does to hosts. */
export function messageAtEnd(
  { run }: { readonly run: RunState },
  spec: Parameters<typeof strategyWords>[0] = {},
): string {
  return messageOf(run, {
    ...{ summary: '', reasons: [], order: { mode: 'Run' }, openRemedy: undefined },
    words: strategyWords(spec),
  });
}
