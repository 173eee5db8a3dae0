/** What the commands have in common: options, and how they end. */
import { Option, type Command } from 'commander';
import { EXIT_CODES, type Exit } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { FORMATS } from '../text/format.ts';

/** Adds a command to the program. */
export type AddCommand = (program: Command, io: Io) => void;

/** The groups of commands in the help. */
export const GROUPS = {
  look: 'What is going on:',
  act: 'Ask for something:',
  plan: 'Before anything happens:',
  other: 'Other:',
} as const;

/** The options that every command takes, before its name or after it. */
export function addClusterOptions(program: Command): void {
  program
    .option('--kubeconfig <file>', 'the kubeconfig (default: KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'the context of the kubeconfig (default: the current one)')
    .option('-n, --namespace <name>', 'the namespace (default: that of the context)');
}

export function formatOption(): Option {
  return new Option('-o, --output <format>', 'the format of the output').choices(FORMATS).default('table');
}

/** A help text with the exit codes that a command has besides 0 and 1. */
export function exitCodesHelp(...exits: readonly Exit[]): string {
  const lines = [EXIT_CODES.done, EXIT_CODES.error, ...exits.map((exit) => EXIT_CODES[exit])].map(
    ({ code, means }) => `  ${String(code)}  ${means}`,
  );
  return `\nExit codes:\n${lines.join('\n')}`;
}

/** Ends the process with an exit code once everything is written. */
export function end(exit: Exit): void {
  process.exitCode = EXIT_CODES[exit].code;
}
