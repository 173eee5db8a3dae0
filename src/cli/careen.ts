/** The command line: parse, call, print. */
import { Command, Option } from 'commander';
import { DEFAULT_POOL } from '../crds/names.ts';
import { CommandError } from './command-error.ts';
import { FORMATS } from './format.ts';
import { exportFleet, plan, type PlanOptions } from './plan.ts';
import { checkVectors, emitVectors, type Output } from './vectors.ts';

const output: Output = {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
};

const print = (text: string): void => void process.stdout.write(text);

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

const context = new Option(
  '--context <name>',
  'context of the kubeconfig to read from (default: the current one)',
);

program
  .command('plan')
  .description('show what the operator would plan: stages, hosts, steps, findings, duration; changes nothing')
  .requiredOption('-f, --filename <file>', 'YAML or JSON with one PatchStrategy; - reads standard input')
  .addOption(
    new Option('--fleet <file>', 'plan from a fleet file, without a cluster (see careen fleet)').conflicts(
      'context',
    ),
  )
  .addOption(context)
  .addOption(new Option('-o, --output <format>', 'how to print it').choices(FORMATS).default('table'))
  .addHelpText('after', '\nExit status: 0 nothing to do, 2 there is work, 1 error.')
  .action(async (options: PlanOptions) => {
    process.exitCode = await plan(options, print);
  });

program
  .command('fleet')
  .description('export a pool and its hosts as a fleet file, for careen plan --fleet; changes nothing')
  .option('--pool <name>', 'the HostPool to export', DEFAULT_POOL)
  .addOption(context)
  .action(async (options: { context?: string; pool: string }) => exportFleet(options, print));

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommandError)) throw error;
  for (const line of error.message.split('\n')) output.err(`careen: ${line}`);
  process.exitCode = 1;
}
