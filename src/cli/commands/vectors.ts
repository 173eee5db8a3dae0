/** `careen vectors`. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { checkVectors, emitVectors } from '../vectors/vectors.ts';
import { GROUPS } from './command.ts';

export function addVectors(program: Command, io: Io): void {
  const output = { out: (line: string) => io.out(`${line}\n`), err: io.note };
  program
    .command('vectors')
    .helpGroup(GROUPS.other)
    .description('play recorded cases with the production code and compare; exit code 1 when any fails')
    .argument('<path...>', 'files, or folders that are searched for JSON files')
    .option('--emit', 'print the results, one JSON document a line, and compare nothing')
    .action(async (paths: string[], { emit }: { emit?: boolean }) => {
      process.exitCode = await (emit ? emitVectors(paths, output) : checkVectors(paths, output));
    });
}
