/** What the commands have in common that ask a strategy for something. */
import { InvalidArgumentError, type Command } from 'commander';
import { connect, type ClusterOptions } from '../cluster/connection.ts';
import { findStrategy, type Located } from '../cluster/strategies.ts';
import type { Io } from '../io.ts';
import { askFor, type AskOptions } from '../requests/ask-for.ts';
import type { Wish } from '../requests/request.ts';
import { end, exitCodesHelp, formatOption, GROUPS } from './command.ts';

export type ActOptions = ClusterOptions & AskOptions;

const STRATEGY = 'NAME, or KIND/NAME; by default the only strategy of the namespace';

/** A command that acts on a strategy. */
export function addActing(program: Command, name: string, description: string): Command {
  return program.command(name).helpGroup(GROUPS.act).description(description);
}

export function addStrategyArgument(command: Command): Command {
  return command.argument('[strategy]', STRATEGY);
}

export function addAskOptions(command: Command): Command {
  return command
    .option('--timeout <seconds>', 'how long to wait for the answer', seconds, 30)
    .option('--no-wait', 'place the request, and do not wait for the answer')
    .addOption(formatOption())
    .addHelpText('after', exitCodesHelp('open', 'failed', 'unanswered'));
}

/** Asks the strategy of a name for something, and ends the process with the exit code. */
export async function ask(
  name: string | undefined,
  options: ActOptions,
  io: Io,
  wishFor: (located: Located) => Wish,
): Promise<void> {
  const connection = connect(options, io.environment, 'writing');
  const located = await findStrategy(connection, name, io.note);
  end(await askFor(connection, located, wishFor(located), options, io));
}

/** A number of seconds, also as `30s` or `2m`. */
export function seconds(value: string): number {
  const [, amount, unit] = /^(\d{1,6})(s|m|h)?$/.exec(value) ?? [];
  if (amount === undefined || Number(amount) === 0)
    throw new InvalidArgumentError('Expected a number of seconds, such as 30, 30s or 2m.');
  return Number(amount) * { s: 1, m: 60, h: 3600 }[unit === 'm' || unit === 'h' ? unit : 's'];
}

export function stageId(value: string): number {
  if (!/^\d{1,4}$/.test(value))
    throw new InvalidArgumentError('Expected the id of a stage, a number from 0 to 9999.');
  return Number(value);
}

export function planDigest(value: string): string {
  if (!/^sha256:[0-9a-f]{64}$/.test(value))
    throw new InvalidArgumentError(
      'Expected the digest of a plan, as in .status.run.planDigest: sha256: and 64 hexadecimal digits.',
    );
  return value;
}
