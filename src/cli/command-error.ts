/** A failure of a command. Its message is printed unchanged, and the exit status is 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
