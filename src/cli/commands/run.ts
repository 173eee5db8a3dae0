/** `careen run`. */
import type { Command } from 'commander';
import { DEPLOYMENT_NAME, OPERATOR_NAMESPACE } from '../../crds/names.ts';
import { call, type PooledKubeConfig } from '../../kube/client.ts';
import { asking, isAbsent } from '../cluster/asking.ts';
import { connect, type ClusterOptions, type Connection } from '../cluster/connection.ts';
import { kindsTrouble } from '../cluster/installed-kinds.ts';
import { LEASE, readLeader, type Leader } from '../cluster/leader.ts';
import { CommandError } from '../command-error.ts';
import type { Io } from '../io.ts';
import { GROUPS } from './command.ts';

/** Starts the operator in this process, on clients that `newClient` makes. */
export type StartOperator = (newClient: () => PooledKubeConfig) => Promise<void>;

export function addRun(program: Command, io: Io, start: StartOperator): void {
  program
    .command('run')
    .helpGroup(GROUPS.other)
    .description(
      'run the operator in this process, against the cluster of the context: to try it out; it ends with Ctrl-C',
    )
    .addHelpText(
      'after',
      '\nIt acts with your rights on the hosts of every pool, and takes the Lease: no other operator may run.\n' +
        'LOG_LEVEL, CAREEN_PORT, CAREEN_LEASE_SECONDS and CAREEN_RESYNC_SECONDS mean what they mean to the operator.',
    )
    .action(async (_own: unknown, self: Command) => {
      const options = self.optsWithGlobals<ClusterOptions>();
      const connection = connect(options, io.environment);
      await refuseWithoutInstallation(connection);
      const refusal = mayNotRun(await readLeader(connection, Date.now()));
      if (refusal !== undefined) throw new CommandError(refusal);
      await start(() => connect(options, io.environment, 'writing').config);
    });
}

/** Why no operator may be started: another one leads. Undefined when it may. Pure. */
export function mayNotRun(leader: Leader): string | undefined {
  if (leader.kind === 'unknown') return `whether another operator leads is not known: ${leader.because}`;
  if (leader.kind === 'none' || !leader.fresh) return undefined;
  return (
    `the operator ${leader.holder} leads here: it renewed ${LEASE} ${String(leader.secondsAgo)} s ago, and two never ` +
    `work at once. End it first: kubectl -n ${OPERATOR_NAMESPACE} scale deployment ${DEPLOYMENT_NAME} --replicas=0; ` +
    'if it has ended already, try again when its Lease has lapsed'
  );
}

async function refuseWithoutInstallation(connection: Connection): Promise<void> {
  const trouble = await kindsTrouble(connection);
  if (trouble !== undefined) throw new CommandError(trouble);
  const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}`;
  try {
    await asking(connection, { verb: 'get', resource: 'namespaces' }, () =>
      call<unknown>(connection.config, { method: 'GET', path }),
    );
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    // Without the right to see it, the Lease will show whether it is there.
    if (isAbsent(error.cause))
      throw new CommandError(
        `there is no namespace ${OPERATOR_NAMESPACE} for ${LEASE}: install Careen first (docs/guides/install.md)`,
      );
  }
}
