/** `careen resume`. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { addActing, addAskOptions, addStrategyArgument, ask, type ActOptions } from './ask.ts';

export function addResume(program: Command, io: Io): void {
  const command = addActing(
    program,
    'resume',
    'restart the failed stage, but repeat nothing: for hosts that somebody has repaired',
  );
  addAskOptions(addStrategyArgument(command)).action(
    async (name: string | undefined, _own: unknown, self: Command) =>
      ask(name, self.optsWithGlobals<ActOptions>(), io, () => ({ verb: 'resume' })),
  );
}
