/** `careen simulate`. */
import type { Command } from 'commander';
import type { Exit } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { readInputs, type InputOptions } from '../plan/inputs.ts';
import { simulationOf } from '../simulate/simulation.ts';
import { simulationText } from '../simulate/simulation-text.ts';
import type { WhatIfOptions } from '../simulate/what-if.ts';
import { rendered, type Format } from '../text/format.ts';
import { end, exitCodesHelp, formatOption, GROUPS } from './command.ts';
import { addInputOptions } from './plan.ts';

export type SimulateOptions = InputOptions & WhatIfOptions & { readonly output: Format };

export function addSimulate(program: Command, io: Io): void {
  addInputOptions(program.command('simulate').helpGroup(GROUPS.plan), io)
    .description(
      'run the plan on simulated hosts: shows how long it takes and what a failure does; changes nothing',
    )
    .option('--seed <number>', 'vary the time of each step a little; equal numbers give equal times')
    .option('--fail <host:step>', 'a host that fails in a step; may be given several times', collected)
    .option('--slow <host:step=seconds>', 'how long a host takes for a step; * is every host', collected)
    .option(
      '--refuse <state>',
      'a state of a session in which its projects refuse, such as SCALE_IN',
      collected,
    )
    .option('--silent <state>', 'a state of a session in which its projects do not answer', collected)
    .addOption(formatOption())
    .addHelpText('after', exitCodesHelp('failed'))
    .action(async (_own: unknown, command: Command) =>
      end(await simulate(command.optsWithGlobals<SimulateOptions>(), io)),
    );
}

function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** Runs a strategy on simulated hosts and prints the result; changes nothing. Throws CommandError. */
export async function simulate(options: SimulateOptions, io: Io): Promise<Exit> {
  const { strategy, fleet } = await readInputs(options, io);
  const simulation = await simulationOf(strategy, fleet, options, Date.now());
  io.out(rendered(simulation, options.output, (each) => simulationText(each, io.width)));
  return simulation.outcome === 'applied' ? 'done' : 'failed';
}
