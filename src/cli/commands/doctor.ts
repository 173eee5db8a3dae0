/** `careen doctor`. */
import type { Command } from 'commander';
import { API_VERSION } from '../../crds/names.ts';
import { connect, type ClusterOptions } from '../cluster/connection.ts';
import { checkLines } from '../doctor/check.ts';
import { examine } from '../doctor/examine.ts';
import type { Io } from '../io.ts';
import { commandsFor } from '../status/commands.ts';
import { rendered, type Format } from '../text/format.ts';
import { styledLines } from '../text/lines.ts';
import { end, exitCodesHelp, formatOption, GROUPS } from './command.ts';

type DoctorOptions = ClusterOptions & { readonly output: Format };

export function addDoctor(program: Command, io: Io): void {
  program
    .command('doctor')
    .helpGroup(GROUPS.look)
    .description('examine the installation, and name what is wrong with it, each with its remedy')
    .addOption(formatOption())
    .addHelpText('after', exitCodesHelp('failed'))
    .action(async (_own: unknown, command: Command) => {
      const options = command.optsWithGlobals<DoctorOptions>();
      // It asks which rights there are by requests that store nothing, but are no reads.
      const connection = connect(options, io.environment, 'writing');
      const named = { name: '', namespace: connection.namespace, singular: '' };
      const commands = commandsFor(named, { program: io.name, context: options.context });
      const checks = await examine(connection, commands, Date.now());
      io.out(
        rendered({ apiVersion: API_VERSION, kind: 'Examination', checks }, options.output, () =>
          styledLines(checkLines(checks, io.width)),
        ),
      );
      end(checks.some(({ level }) => level === 'problem') ? 'failed' : 'done');
    });
}
