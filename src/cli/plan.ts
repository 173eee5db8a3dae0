/** `careen plan` and `careen fleet`. */
import { dump } from 'js-yaml';
import { CommandError } from './command-error.ts';
import { connect, namespaceOf, readCluster } from './cluster.ts';
import { fleetText, readFleet, type Fleet } from './fleet-file.ts';
import { previewOf, type Preview } from './preview.ts';
import { previewText } from './preview-text.ts';
import { readStrategy, type Strategy } from './strategy-file.ts';

export const FORMATS = ['table', 'yaml', 'json'] as const;
export type Format = (typeof FORMATS)[number];

export type PlanOptions = {
  readonly filename: string;
  readonly fleet?: string;
  readonly context?: string;
  readonly output: Format;
};

export type Print = {
  readonly out: (text: string) => void;
  /** Told, in one line, of what could not be learned and may matter. */
  readonly note: (text: string) => void;
};

/**
 * Prints the plan that the operator would make, and changes nothing.
 * @returns the exit status: 2 when there is work, 0 when there is nothing to do
 * @throws CommandError
 */
export async function plan(options: PlanOptions, print: Print): Promise<0 | 2> {
  const { filename, output } = options;
  if (filename === '-' && options.fleet === '-')
    throw new CommandError(
      '-f and --fleet cannot both be read from standard input; give one of them as a file',
    );
  const { strategy, fleet } = await inputsOf(await readStrategy(filename), options, print);
  const preview = previewOf(strategy, fleet);
  print.out(rendered(preview, output));
  return preview.stages.length > 0 ? 2 : 0;
}

/** Prints the fleet file of a pool. Throws CommandError. */
export async function exportFleet(
  { context, pool }: { readonly context?: string; readonly pool: string },
  print: Print,
): Promise<void> {
  print.out(fleetText(await readCluster(connect(context), pool, print.note)));
}

async function inputsOf(
  strategy: Strategy,
  { fleet: file, context }: PlanOptions,
  { note }: Print,
): Promise<{ strategy: Strategy; fleet: Fleet }> {
  const pool = strategy.spec.poolRef;
  if (file === undefined) {
    const config = connect(context);
    const namespace = strategy.namespace ?? namespaceOf(config);
    return { strategy: { ...strategy, namespace }, fleet: await readCluster(config, pool, note) };
  }
  const fleet = await readFleet(file);
  if (fleet.pool.name !== pool)
    throw new CommandError(
      `${file}: pool.name is "${fleet.pool.name}": the strategy is for pool ${pool} (spec.poolRef); ` +
        `export that one with careen fleet --pool ${pool}`,
    );
  return { strategy, fleet };
}

function rendered(preview: Preview, format: Format): string {
  switch (format) {
    case 'table':
      return `${previewText(preview).join('\n')}\n`;
    case 'yaml':
      return dump(preview, { noRefs: true });
    case 'json':
      return `${JSON.stringify(preview, null, 2)}\n`;
  }
}
