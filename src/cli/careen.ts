/** The command line: parse, call, print. */
import { Command } from 'commander';
import { checkVectors, emitVectors, type Output } from './vectors.ts';

const output: Output = {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
};

// Whoever reads may stop early: careen vectors --emit | head
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

const program = new Command('careen').description('plans and carries out maintenance of hosts');

program
  .command('vectors')
  .description('play recorded cases with the production code and compare; exit status 1 when any fails')
  .argument('<path...>', 'files, or folders that are searched for JSON files')
  .option('--emit', 'print what was computed, one JSON document a line, and compare nothing')
  .action((paths: string[], { emit }: { emit?: boolean }) => {
    process.exitCode = emit ? emitVectors(paths, output) : checkVectors(paths, output);
  });

await program.parseAsync();
