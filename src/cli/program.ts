/** The command line: which commands there are. Each is a file in `commands`. */
import { Command } from 'commander';
import { addAbort } from './commands/abort.ts';
import { addApply } from './commands/apply.ts';
import { addApprove } from './commands/approve.ts';
import { addClusterOptions, type AddCommand } from './commands/command.ts';
import { addCompletion } from './commands/completion.ts';
import { addDone } from './commands/done.ts';
import { addDoctor } from './commands/doctor.ts';
import { addExplain } from './commands/explain.ts';
import { addFleet } from './commands/fleet.ts';
import { addHold } from './commands/hold.ts';
import { addPlan } from './commands/plan.ts';
import { addRelease } from './commands/release.ts';
import { addResume } from './commands/resume.ts';
import { addRetry } from './commands/retry.ts';
import { addSimulate } from './commands/simulate.ts';
import { addSkip } from './commands/skip.ts';
import { addStatus } from './commands/status.ts';
import { addSuspend } from './commands/suspend.ts';
import { addVectors } from './commands/vectors.ts';
import { addVersion } from './commands/version.ts';
import { addWatch } from './commands/watch.ts';
import type { Io } from './io.ts';

/** In the sequence of the help. */
const COMMANDS: readonly AddCommand[] = [
  ...[addStatus, addWatch, addExplain, addDoctor],
  ...[addApply, addApprove, addHold, addSuspend, addAbort, addRetry, addResume, addRelease, addSkip, addDone],
  ...[addPlan, addSimulate, addFleet],
  ...[addVersion, addCompletion, addVectors],
];

/** @param further commands that need more than the command line may import */
export function careenProgram(io: Io, further: readonly AddCommand[] = []): Command {
  const program = new Command(io.name)
    .description('plans and carries out maintenance of hosts')
    .configureOutput({
      ...{ writeOut: io.out, writeErr: io.err },
      ...{ getOutHelpWidth: () => io.width, getErrHelpWidth: () => io.width },
    })
    .configureHelp({ showGlobalOptions: true });
  addClusterOptions(program);
  for (const add of [...COMMANDS, ...further]) add(program, io);
  return program;
}
