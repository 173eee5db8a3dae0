/** What the shell asks to complete: an option, its value, a command, or one of its arguments. Pure. */
import type { Argument, Command, Option } from 'commander';

export type Situation = {
  /** The word that is completed, as far as it is written. */
  readonly current: string;
  /** The command so far: the program itself before its first word. */
  readonly command: Command;
  /** The option whose value is completed. */
  readonly option?: Option;
  /** The argument that is completed; undefined when there is none left. */
  readonly argument?: Argument;
  /** The values of options before it, by their long name without dashes. */
  readonly given: Readonly<Record<string, string>>;
};

/** @param words all words after the program; the last is completed, and may be empty */
export function situationOf(program: Command, words: readonly string[]): Situation {
  const [current = '', ...before] = joined(words).toReversed();
  const given: Record<string, string> = {};
  let command = program;
  let option: Option | undefined;
  let position = 0;
  for (const word of before.toReversed()) {
    if (option) {
      given[option.name()] = word;
      option = undefined;
    } else if (word.startsWith('-')) {
      const [flag = '', value] = word.split('=');
      const found = optionNamed(command, flag);
      if (found && value !== undefined) given[found.name()] = value;
      else if (found && takesValue(found)) option = found;
    } else if (command === program) {
      command = program.commands.find((each) => each.name() === word) ?? program;
    } else position += 1;
  }
  return place(command, current, { command, given }, option, position);
}

function place(
  command: Command,
  current: string,
  rest: Pick<Situation, 'command' | 'given'>,
  option: Option | undefined,
  position: number,
): Situation {
  if (option) return { ...rest, current, option };
  const [flag = '', value] = /^--[\w-]+=/.test(current) ? current.split('=') : [];
  const assigned = value === undefined ? undefined : optionNamed(command, flag);
  if (assigned) return { ...rest, current: value ?? '', option: assigned };
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  const argument = registeredArguments[position] ?? (last?.variadic ? last : undefined);
  return { ...rest, current, ...(argument ? { argument } : {}) };
}

/** bash takes `--output=json` for three words. */
function joined(words: readonly string[]): readonly string[] {
  const [option, equals, ...value] = words.slice(-3);
  if (words.at(-1) === '=' && words.at(-2)?.startsWith('--')) return [...words.slice(0, -1), ''];
  if (equals === '=' && option?.startsWith('--') && value.length === 1)
    return [...words.slice(0, -2), value[0] ?? ''];
  return words;
}

/** The options that may stand here: those of the command, and those of all commands. */
export function optionsOf(command: Command): readonly Option[] {
  return [...command.options, ...(command.parent?.options ?? [])].filter(({ hidden }) => !hidden);
}

function optionNamed(command: Command, flag: string): Option | undefined {
  return optionsOf(command).find(({ short, long }) => flag === short || flag === long);
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}
