/** `careen status`. */
import type { Command } from 'commander';
import { API_VERSION } from '../../crds/names.ts';
import { isRightMissing } from '../cluster/asking.ts';
import { connect, type ClusterOptions, type Connection } from '../cluster/connection.ts';
import { findStrategy, listStrategies, type Located } from '../cluster/strategies.ts';
import { withAllStages } from '../cluster/whole-plan.ts';
import { CommandError } from '../command-error.ts';
import type { Exit } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { overviewLines, worstOf } from '../status/overview.ts';
import { readSurroundings } from '../status/read-surroundings.ts';
import { reportLines } from '../status/report-text.ts';
import { statusReport, type StatusReport, type Surroundings } from '../status/report.ts';
import type { Standing } from '../status/standing.ts';
import { rendered, type Format } from '../text/format.ts';
import { styledLines } from '../text/lines.ts';
import { end, exitCodesHelp, formatOption, GROUPS } from './command.ts';

type StatusOptions = ClusterOptions & {
  readonly output: Format;
  readonly allNamespaces?: boolean;
  readonly exitCode?: boolean;
};

/** The exit of `status --exit-code` and of `watch`. */
export const EXITS: Readonly<Record<Standing, Exit>> = {
  done: 'done',
  working: 'open',
  waits: 'waits',
  failed: 'failed',
};

export function addStatus(program: Command, io: Io): void {
  program
    .command('status')
    .helpGroup(GROUPS.look)
    .description('show what happens, what blocks it and what to do next; without a name, all strategies')
    .argument('[name]', 'the strategy: NAME or KIND/NAME')
    .option('-A, --all-namespaces', 'the strategies of all namespaces (without a name and -n: the default)')
    .option('--exit-code', 'end with the code of what is shown')
    .addOption(formatOption())
    .addHelpText('after', exitCodesHelp('open', 'failed', 'waits'))
    .action(async (name: string | undefined, _own: unknown, command: Command) => {
      const options = command.optsWithGlobals<StatusOptions>();
      const standing = await (name === undefined ? statusOfAll(options, io) : statusOf(name, options, io));
      end(options.exitCode ? EXITS[standing] : 'done');
    });
}

async function statusOf(name: string, options: StatusOptions, io: Io): Promise<Standing> {
  if (options.allNamespaces)
    throw new CommandError('status takes a name or --all-namespaces, not both: choose the namespace with -n');
  const connection = connect(options, io.environment);
  const found = await findStrategy(connection, name, io.note);
  const located = await withAllStages(connection, found, io.note);
  const now = Date.now();
  const surroundings = await readSurroundings(connection, located.strategy, io.note);
  const report = reportOf(located, options, io, now, surroundings);
  const document = { apiVersion: API_VERSION, kind: 'StrategyReport', ...report };
  io.out(rendered(document, options.output, () => styledLines(reportLines(report, now, io.width))));
  return report.standing;
}

async function statusOfAll(options: StatusOptions, io: Io): Promise<Standing> {
  const connection = connect(options, io.environment);
  const { all, place } = await strategiesIn(connection, options, io);
  const now = Date.now();
  const strategies = all.map((located) => reportOf(located, options, io, now));
  const lines = (): string[] => styledLines(overviewLines(strategies, place, io.width));
  io.out(
    rendered({ apiVersion: API_VERSION, kind: 'StrategyReportList', strategies }, options.output, lines),
  );
  return worstOf(strategies.map(({ standing }) => standing));
}

type Found = { readonly all: readonly Located[]; readonly place: string };

/** All strategies; those of one namespace where it was named, or where no more may be read. */
async function strategiesIn(connection: Connection, options: StatusOptions, io: Io): Promise<Found> {
  const { namespace } = connection;
  const inOne = async (): Promise<Found> => ({
    all: await listStrategies(connection, namespace),
    place: `namespace ${namespace}`,
  });
  if (options.namespace !== undefined && !options.allNamespaces) return inOne();
  try {
    return { all: await listStrategies(connection, undefined), place: 'this cluster' };
  } catch (error) {
    const isRefused = error instanceof CommandError && isRightMissing(error.cause);
    if (!isRefused || options.allNamespaces) throw error;
    io.note(`no right to list the strategies of all namespaces: these are those of namespace ${namespace}`);
    return inOne();
  }
}

/** How advice of this call names commands. */
export function reportOf(
  { kind, strategy }: Located,
  { context }: ClusterOptions,
  { name: program }: Io,
  now: number,
  surroundings?: Surroundings,
): StatusReport {
  const { singular } = kind.definition;
  return statusReport(strategy, { program, context, singular }, now, surroundings);
}
