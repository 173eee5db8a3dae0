/** A failure of a command. Its message is printed unchanged, and the exit status is 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** What is wrong with a field of a document. */
export type Problem = {
  readonly path: readonly PropertyKey[];
  readonly value: unknown;
  /** What would be right, without a full stop. */
  readonly remedy: string;
};
