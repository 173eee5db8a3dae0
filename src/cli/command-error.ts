/** What a command could not do, told to whoever called it: printed as it is, exit status 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
