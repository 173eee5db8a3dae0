/** A bug to plant, as a change of one place of the operator's code. */
import type { World } from '../run-seed.ts';

export type Bug = {
  readonly name: string;
  readonly file: string;
  /** The text in the file, exactly once. */
  readonly of: string;
  /** The text that replaces it. */
  readonly instead: string;
  /** The first seed to try, where too few seeds show the bug. */
  readonly from?: number;
  /** The worlds to run, where only they can show it. */
  readonly worlds?: readonly World[];
};
