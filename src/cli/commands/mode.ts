/** What `careen hold` and `careen suspend` have in common: they set the standing order, and nobody answers that. */
import type { Command } from 'commander';
import { connect, type ClusterOptions } from '../cluster/connection.ts';
import { findStrategy } from '../cluster/strategies.ts';
import type { Io } from '../io.ts';
import { modeLines, setMode, type Mode } from '../requests/set-mode.ts';
import { WIDTH, wrap } from '../text/text-table.ts';
import { addActing, addStrategyArgument } from './ask.ts';
import { exitCodesHelp } from './command.ts';

export function addMode(program: Command, io: Io, name: string, mode: Mode, description: string): void {
  addStrategyArgument(addActing(program, name, description))
    .addHelpText('after', exitCodesHelp())
    .action(async (given: string | undefined, _own: unknown, self: Command) => {
      const connection = connect(self.optsWithGlobals<ClusterOptions>(), io.environment, 'writing');
      const before = await setMode(connection, await findStrategy(connection, given, io.note), mode);
      for (const line of modeLines(before, mode))
        io.out(
          wrap(line, Math.min(io.width, WIDTH))
            .map((each) => `${each}\n`)
            .join(''),
        );
    });
}
