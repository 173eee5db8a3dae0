/** `careen simulate`. */
import { rendered, type Format, type Print } from '../format.ts';
import { readInputs, type InputOptions } from '../inputs.ts';
import type { Instant } from '../../engine/view.ts';
import { simulationOf } from './simulation.ts';
import { simulationText } from './simulation-text.ts';
import type { WhatIfOptions } from './what-if.ts';

export type SimulateOptions = InputOptions & WhatIfOptions & { readonly output: Format };

/**
 * Runs a strategy on simulated hosts and prints the result; changes nothing.
 * @param width how many columns the chart may take
 * @param now the time, for the ids of the requests that it prints
 * @returns the exit status: 0 when it would be applied, 3 when it would end otherwise
 * @throws CommandError
 */
export async function simulate(
  options: SimulateOptions,
  width: number,
  now: Instant,
  print: Print,
): Promise<0 | 3> {
  const { strategy, fleet } = await readInputs(options, print.note);
  const simulation = await simulationOf(strategy, fleet, options, now);
  print.out(rendered(simulation, options.output, (each) => simulationText(each, width)));
  return simulation.outcome === 'applied' ? 0 : 3;
}
