/** The inputs of a plan: a strategy, and a fleet from a file or a cluster. */
import { CommandError } from '../command-error.ts';
import type { Io } from '../io.ts';
import { connect, type ClusterOptions, type Connection } from '../cluster/connection.ts';
import { readCluster } from '../cluster/read-fleet.ts';
import { readPool } from '../cluster/read-pool.ts';
import { readFleet, refuseCloud, type Fleet } from '../files/fleet-file.ts';
import { readStrategy, type Strategy } from '../files/strategy-file.ts';
import { poolOfNodes, type PlannedPool } from './planned-pool.ts';

export type InputOptions = ClusterOptions & {
  readonly filename: string;
  readonly fleet?: string;
};

type Reading = Pick<Io, 'environment' | 'note'>;

/** Reads the strategy and its pool. Throws CommandError. */
export async function readPlanInputs(
  options: InputOptions,
  io: Reading,
): Promise<{ strategy: Strategy; pool: PlannedPool }> {
  const { strategy, found } = await readBoth(options, io, readPool);
  return { strategy, pool: 'words' in found ? found : poolOfNodes(found) };
}

/** Reads the strategy and the nodes of its pool. Throws CommandError, also for a pool on OpenStack. */
export async function readInputs(
  options: InputOptions,
  io: Reading,
): Promise<{ strategy: Strategy; fleet: Fleet }> {
  const { strategy, found } = await readBoth(options, io, async (connection, pool, note, { release }) =>
    readCluster(connection, pool, note, release !== undefined),
  );
  return { strategy, fleet: found };
}

/** @param read reads a pool of the cluster: its name, whom to tell what cannot be read, and what it is read for */
async function readBoth<T>(
  options: InputOptions,
  { environment, note }: Reading,
  read: (connection: Connection, pool: string, note: Io['note'], spec: Strategy['spec']) => Promise<T>,
): Promise<{ strategy: Strategy; found: T | Fleet }> {
  const { filename, fleet: file } = options;
  if (filename === '-' && file === '-')
    throw new CommandError(
      '-f and --fleet cannot both be read from standard input; give one of them as a file',
    );
  const manifest = await readStrategy(filename);
  const { poolRef: pool } = manifest.spec;
  if (file === undefined) {
    const connection = connect(options, environment);
    const strategy = withNamespace(manifest, options, connection.namespace);
    return { strategy, found: await read(connection, pool, note, manifest.spec) };
  }
  refuseCluster(options);
  const fleet = await readFleet(file);
  if (fleet.pool.name !== pool)
    throw new CommandError(
      `${file}: pool.name is "${fleet.pool.name}": the strategy is for pool ${pool} (spec.poolRef); ` +
        `export that one with careen fleet --pool ${pool}`,
    );
  refuseCloud(pool, fleet.pool.spec);
  return { strategy: withNamespace(manifest, options, options.namespace), found: fleet };
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
