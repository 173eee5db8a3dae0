/** `careen retry`. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { addActing, addAskOptions, addStrategyArgument, ask, type ActOptions } from './ask.ts';

export function addRetry(program: Command, io: Io): void {
  const command = addActing(program, 'retry', 'restart the failed stage, and work on its failed hosts again');
  addAskOptions(addStrategyArgument(command)).action(
    async (name: string | undefined, _own: unknown, self: Command) =>
      ask(name, self.optsWithGlobals<ActOptions>(), io, () => ({ verb: 'retry' })),
  );
}
