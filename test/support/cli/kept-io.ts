/** The parts of a process for commands that run inside a test: what they print is kept. */
import type { Io } from '../../../src/cli/io.ts';

export type KeptIo = Io & {
  /** Everything on standard output. */
  readonly printed: string;
  /** Everything on standard error. */
  readonly noted: string;
};

export function keptIo(given: Partial<Io> = {}): KeptIo {
  const kept = { printed: '', noted: '' };
  const err = (text: string): void => void (kept.noted += text);
  return {
    name: 'careen',
    environment: {},
    width: 100,
    isTerminal: false,
    hasColours: false,
    out: (text) => void (kept.printed += text),
    err,
    note: (text) => err(`careen: ${text}\n`),
    ...given,
    get printed() {
      return kept.printed;
    },
    get noted() {
      return kept.noted;
    },
  };
}
