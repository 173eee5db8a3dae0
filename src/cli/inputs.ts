/** The inputs of a plan: a strategy, and a fleet from a file or a cluster. */
import { CommandError } from './command-error.ts';
import { connect, namespaceOf, readCluster } from './cluster.ts';
import { readFleet, type Fleet } from './fleet-file.ts';
import { readStrategy, type Strategy } from './strategy-file.ts';

export type InputOptions = {
  readonly filename: string;
  readonly fleet?: string;
  readonly context?: string;
};

/**
 * Reads the strategy and the fleet of its pool. Throws CommandError.
 * @param note takes one line about a fact that could not be read and may matter
 */
export async function readInputs(
  { filename, fleet: file, context }: InputOptions,
  note: (text: string) => void,
): Promise<{ strategy: Strategy; fleet: Fleet }> {
  if (filename === '-' && file === '-')
    throw new CommandError(
      '-f and --fleet cannot both be read from standard input; give one of them as a file',
    );
  const strategy = await readStrategy(filename);
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
