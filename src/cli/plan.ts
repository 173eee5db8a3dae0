/** `careen plan` and `careen fleet`. */
import { connect, readCluster } from './cluster.ts';
import { fleetText } from './fleet-file.ts';
import { rendered, type Format, type Print } from './format.ts';
import { readInputs, type InputOptions } from './inputs.ts';
import { previewOf } from './preview.ts';
import { previewText } from './preview-text.ts';

export type PlanOptions = InputOptions & { readonly output: Format };

/**
 * Prints the plan that the operator would make, and changes nothing.
 * @returns the exit status: 2 when there is work, 0 when there is nothing to do, 1 when no plan can be made
 * @throws CommandError
 */
export async function plan(options: PlanOptions, print: Print): Promise<0 | 1 | 2> {
  const { strategy, fleet } = await readInputs(options, print.note);
  const preview = previewOf(strategy, fleet);
  print.out(rendered(preview, options.output, previewText));
  if (preview.stages.length > 0) return 2;
  return preview.findings.some(({ severity }) => severity === 'blocks') ? 1 : 0;
}

/** Prints the fleet file of a pool. Throws CommandError. */
export async function exportFleet(
  { context, pool }: { readonly context?: string; readonly pool: string },
  print: Print,
): Promise<void> {
  print.out(fleetText(await readCluster(connect(context), pool, print.note)));
}
