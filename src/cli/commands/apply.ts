/** `careen apply`. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import type { Wish } from '../requests/request.ts';
import {
  addActing,
  addAskOptions,
  addStrategyArgument,
  ask,
  planDigest,
  stageId,
  type ActOptions,
} from './ask.ts';

type ApplyOptions = ActOptions & { readonly stage?: number; readonly plan?: string };

export function addApply(program: Command, io: Io): void {
  const command = addActing(program, 'apply', 'carry out the plan of a strategy, or its next stage');
  addAskOptions(
    addStrategyArgument(command)
      .option('--stage <id>', 'carry out this stage only, which must be the next one; then wait', stageId)
      .option('--plan <digest>', 'only the plan with this digest', planDigest),
  ).action(async (name: string | undefined, _own: unknown, self: Command) => {
    const options = self.optsWithGlobals<ApplyOptions>();
    await ask(name, options, io, () => wishOf(options));
  });
}

function wishOf({ stage, plan }: ApplyOptions): Wish {
  const pinned = plan === undefined ? {} : { plan };
  return stage === undefined ? { verb: 'apply-all', ...pinned } : { verb: 'apply-stage', stage, ...pinned };
}
