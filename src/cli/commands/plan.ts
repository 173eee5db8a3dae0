/** `careen plan`. */
import { Option, type Command } from 'commander';
import type { Exit } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { readPlanInputs, type InputOptions } from '../plan/inputs.ts';
import { planFor, previewOf } from '../plan/preview.ts';
import { previewText } from '../plan/preview-text.ts';
import { rendered, type Format } from '../text/format.ts';
import { end, exitCodesHelp, formatOption, GROUPS } from './command.ts';

export type PlanOptions = InputOptions & { readonly output: Format };

/** The options that name the strategy and the fleet of a plan. */
export function addInputOptions(command: Command, { name }: Io): Command {
  return command
    .addOption(
      new Option(
        '-f, --filename <file>',
        'YAML or JSON with one strategy; - reads standard input',
      ).makeOptionMandatory(),
    )
    .option('--fleet <file>', `plan from a fleet file, without a cluster (see ${name} fleet)`);
}

export function addPlan(program: Command, io: Io): void {
  addInputOptions(program.command('plan').helpGroup(GROUPS.plan), io)
    .description(
      'show the plan that the operator would make: stages, hosts, steps, findings, duration; changes nothing',
    )
    .addOption(formatOption())
    .addHelpText('after', exitCodesHelp('open'))
    .action(async (_own: unknown, command: Command) =>
      end(await plan(command.optsWithGlobals<PlanOptions>(), io)),
    );
}

/** Prints the plan that the operator would make, and changes nothing. Throws CommandError. */
export async function plan(options: PlanOptions, io: Io): Promise<Exit> {
  const { strategy, pool } = await readPlanInputs(options, io);
  const preview = previewOf(strategy, pool, planFor(strategy, pool, Date.now()));
  io.out(rendered(preview, options.output, (each) => previewText(each, io.width)));
  if (preview.stages.length > 0) return 'open';
  return preview.findings.some(({ severity }) => severity === 'blocks') ? 'error' : 'done';
}
