/** `careen version`. */
import type { Command } from 'commander';
import { withRemedy } from '../../resources/outdated-kind-error.ts';
import { connect, type ClusterOptions } from '../cluster/connection.ts';
import { allVersions, clientVersions, versionSkew, type Versions } from '../cluster/versions.ts';
import { CommandError } from '../command-error.ts';
import type { Io } from '../io.ts';
import { rendered, type Format } from '../text/format.ts';
import { formatOption, GROUPS } from './command.ts';

type VersionOptions = ClusterOptions & { readonly output: Format };

export function addVersion(program: Command, io: Io): void {
  program.version(
    `careen ${clientVersions().client.version}`,
    '--version',
    'print the version of the command line',
  );
  program
    .command('version')
    .helpGroup(GROUPS.other)
    .description('the versions of the command line, the operator, the kinds and the API server')
    .addOption(formatOption())
    .action(async (_own: unknown, command: Command) => {
      const { output, ...options } = command.optsWithGlobals<VersionOptions>();
      const versions = await readVersions(options, io);
      io.out(rendered(versions, output, versionLines));
      const warning = versionSkew(versions);
      if (warning !== undefined) io.note(warning);
    });
}

/** Without a cluster, the version of the command line: that is known in any case. */
async function readVersions(options: ClusterOptions, io: Io): Promise<Versions> {
  try {
    return await allVersions(connect(options, io.environment), Date.now());
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { ...clientVersions(), server: { unknown: error.message } };
  }
}

/** Pure. */
export function versionLines({ client, operator, kinds, server }: Versions): string[] {
  const problems = (kinds ?? []).flatMap(({ problem }) => problem ?? []);
  const unread = (kinds ?? []).flatMap(({ unknown }) => unknown ?? []);
  return [
    `client    ${client.version}`,
    ...(operator ? [`operator  ${operatorWords(operator)}`] : []),
    ...(kinds ? [`kinds     ${kindWords(problems, unread)}`] : []),
    ...(server ? [`server    ${server.version ?? `not known: ${String(server.unknown)}`}`] : []),
  ];
}

function operatorWords({ leader, image, unknown }: NonNullable<Versions['operator']>): string {
  const what = image ?? `not known: ${String(unknown)}`;
  return leader === undefined ? `${what} (none leads)` : `${what} (${leader} leads)`;
}

function kindWords(problems: readonly string[], unread: readonly string[]): string {
  if (problems.length > 0) return withRemedy(problems);
  return unread[0] === undefined ? 'those of this version' : `not known: ${unread[0]}`;
}
