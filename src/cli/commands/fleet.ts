/** `careen fleet`. */
import type { Command } from 'commander';
import { DEFAULT_POOL } from '../../crds/names.ts';
import { connect, type ClusterOptions } from '../cluster/connection.ts';
import { readCluster } from '../cluster/read-fleet.ts';
import { fleetText } from '../files/fleet-file.ts';
import type { Io } from '../io.ts';
import { GROUPS } from './command.ts';

type FleetOptions = ClusterOptions & { readonly pool: string };

export function addFleet(program: Command, io: Io): void {
  program
    .command('fleet')
    .helpGroup(GROUPS.plan)
    .description(`export a pool and its hosts as a fleet file, for ${io.name} plan --fleet; changes nothing`)
    .option('--pool <name>', 'the HostPool to export', DEFAULT_POOL)
    .action(async (_own: unknown, command: Command) => {
      const options = command.optsWithGlobals<FleetOptions>();
      const fleet = await readCluster(connect(options, io.environment), options.pool, io.note, true);
      io.out(fleetText(fleet));
    });
}
