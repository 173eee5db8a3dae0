/** `careen completion`. */
import { Argument, type Command } from 'commander';
import { completionScript, LOADING, SHELLS, type Shell } from '../completion/scripts.ts';
import type { Io } from '../io.ts';
import { GROUPS } from './command.ts';

export function addCompletion(program: Command, io: Io): void {
  program
    .command('completion')
    .helpGroup(GROUPS.other)
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText(
      'after',
      `\n${SHELLS.map((shell) => LOADING[shell]).join('\n')}\nkubectl careen: put bin/kubectl_complete-careen into PATH.`,
    )
    .action((shell: Shell) => io.out(completionScript(shell)));
}
