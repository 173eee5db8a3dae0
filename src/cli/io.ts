import type { Print } from './text/format.ts';
import type { Terminal } from './watch/screen.ts';

/** The parts of its process that a command uses. */
export type Io = Print & {
  /** Writes to standard error as it is. */
  readonly err: (text: string) => void;
  /** The program as it was called: `careen`, or `kubectl careen`. */
  readonly name: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The width of the terminal, in columns. */
  readonly width: number;
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
  /** Whether standard output shows colours; see text/style.ts. */
  readonly hasColours: boolean;
  /** The terminal of standard output, where it is one that can move its cursor. */
  readonly terminal?: Terminal;
};
