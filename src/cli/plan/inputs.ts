/** The inputs of a plan: a strategy, and a fleet from a file or a cluster. */
import { CommandError } from '../command-error.ts';
import type { Io } from '../io.ts';
import { connect, type ClusterOptions } from '../cluster/connection.ts';
import { readCluster } from '../cluster/read-fleet.ts';
import { readFleet, refuseCloud, type Fleet } from '../files/fleet-file.ts';
import { readStrategy, type Strategy } from '../files/strategy-file.ts';

export type InputOptions = ClusterOptions & {
  readonly filename: string;
  readonly fleet?: string;
};

/** Reads the strategy and the fleet of its pool. Throws CommandError. */
export async function readInputs(
  options: InputOptions,
  { environment, note }: Pick<Io, 'environment' | 'note'>,
): Promise<{ strategy: Strategy; fleet: Fleet }> {
  const { filename, fleet: file } = options;
  if (filename === '-' && file === '-')
    throw new CommandError(
      '-f and --fleet cannot both be read from standard input; give one of them as a file',
    );
  const read = await readStrategy(filename);
  const pool = read.spec.poolRef;
  if (file === undefined) {
    const connection = connect(options, environment);
    const strategy = withNamespace(read, options, connection.namespace);
    return { strategy, fleet: await readCluster(connection, pool, note, read.spec.release !== undefined) };
  }
  refuseCluster(options);
  const fleet = await readFleet(file);
  if (fleet.pool.name !== pool)
    throw new CommandError(
      `${file}: pool.name is "${fleet.pool.name}": the strategy is for pool ${pool} (spec.poolRef); ` +
        `export that one with careen fleet --pool ${pool}`,
    );
  refuseCloud(pool, fleet.pool.spec);
  return { strategy: withNamespace(read, options, options.namespace), fleet };
}

/** As kubectl does with a manifest. */
function withNamespace(
  strategy: Strategy,
  { filename, namespace: wanted }: InputOptions,
  fallback: string | undefined,
): Strategy {
  const { namespace } = strategy;
  if (wanted !== undefined && namespace !== undefined && wanted !== namespace)
    throw new CommandError(
      `${filename}: metadata.namespace is "${namespace}", and --namespace is ${wanted}: leave one of them out`,
    );
  return { ...strategy, namespace: namespace ?? fallback };
}

function refuseCluster({ context, kubeconfig }: ClusterOptions): void {
  const given = [
    ...(context === undefined ? [] : ['--context']),
    ...(kubeconfig === undefined ? [] : ['--kubeconfig']),
  ];
  if (given.length > 0)
    throw new CommandError(`--fleet plans without a cluster: leave out ${given.join(' and ')}`);
}
