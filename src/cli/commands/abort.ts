/** `careen abort`. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { addActing, addAskOptions, addStrategyArgument, ask, stageId, type ActOptions } from './ask.ts';

type AbortOptions = ActOptions & { readonly stage?: number };

export function addAbort(program: Command, io: Io): void {
  const command = addActing(program, 'abort', 'end the running step, then release every host');
  addAskOptions(
    addStrategyArgument(command).option('--stage <id>', 'only while this stage is under way', stageId),
  ).action(async (name: string | undefined, _own: unknown, self: Command) => {
    const options = self.optsWithGlobals<AbortOptions>();
    const { stage } = options;
    await ask(name, options, io, () => ({ verb: 'abort', ...(stage === undefined ? {} : { stage }) }));
  });
}
