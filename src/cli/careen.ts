/** The command line: parse, call, print. */
import { Command, Option } from 'commander';
import { DEFAULT_POOL } from '../crds/names.ts';
import { printable } from '../crds/printable.ts';
import { CommandError } from './command-error.ts';
import { FORMATS, type Print } from './format.ts';
import { exportFleet, plan, type PlanOptions } from './plan.ts';
import { simulate, type SimulateOptions } from './simulate/simulate.ts';
import { checkVectors, emitVectors, type Output } from './vectors.ts';

/** Everything that the command line says goes through here. */
const writeOut = (text: string): boolean => process.stdout.write(printable(text));
const writeErr = (text: string): boolean => process.stderr.write(printable(text));

const output: Output = {
  out: (line) => writeOut(`${line}\n`),
  err: (line) => writeErr(`${line}\n`),
};

const print: Print = {
  out: (text) => writeOut(text),
  note: (text) => output.err(`careen: ${text}`),
};

// The reader may stop early: careen vectors --emit | head
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

const program = new Command('careen')
  .description('plans and carries out maintenance of hosts')
  .configureOutput({ writeOut, writeErr });

program
  .command('vectors')
  .description('play recorded cases with the production code and compare; exit status 1 when any fails')
  .argument('<path...>', 'files, or folders that are searched for JSON files')
  .option('--emit', 'print the results, one JSON document a line, and compare nothing')
  .action((paths: string[], { emit }: { emit?: boolean }) => {
    process.exitCode = emit ? emitVectors(paths, output) : checkVectors(paths, output);
  });

const context = new Option(
  '--context <name>',
  'context of the kubeconfig to read from (default: the current one)',
);

const filename = new Option(
  '-f, --filename <file>',
  'YAML or JSON with one PatchStrategy; - reads standard input',
).makeOptionMandatory();
const fleet = new Option(
  '--fleet <file>',
  'plan from a fleet file, without a cluster (see careen fleet)',
).conflicts('context');
const format = new Option('-o, --output <format>', 'the format of the output')
  .choices(FORMATS)
  .default('table');

program
  .command('plan')
  .description(
    'show the plan that the operator would make: stages, hosts, steps, findings, duration; changes nothing',
  )
  .addOption(filename)
  .addOption(fleet)
  .addOption(context)
  .addOption(format)
  .addHelpText('after', '\nExit status: 0 nothing to do, 2 there is work, 1 error, or no plan can be made.')
  .action(async (options: PlanOptions) => {
    process.exitCode = await plan(options, print);
  });

const collected = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

program
  .command('simulate')
  .description(
    'run the plan on simulated hosts: shows how long it takes and what a failure does; changes nothing',
  )
  .addOption(filename)
  .addOption(fleet)
  .addOption(context)
  .option('--seed <number>', 'vary the time of each step a little; equal numbers give equal times')
  .option('--fail <host:step>', 'a host that fails in a step; may be given several times', collected)
  .option('--slow <host:step=seconds>', 'how long a host takes for a step; * is every host', collected)
  .addOption(format)
  .addHelpText('after', '\nExit status: 0 it would be applied, 3 it would end otherwise, 1 error.')
  .action(async (options: SimulateOptions) => {
    process.exitCode = await simulate(options, columns(), Date.now(), print);
  });

program
  .command('fleet')
  .description('export a pool and its hosts as a fleet file, for careen plan --fleet; changes nothing')
  .option('--pool <name>', 'the HostPool to export', DEFAULT_POOL)
  .addOption(context)
  .action(async (options: { context?: string; pool: string }) => exportFleet(options, print));

/** The width of the terminal, in columns. A terminal that does not know its width says 0. */
function columns(): number {
  const given = Number(process.env['COLUMNS']);
  if (given > 0) return given;
  return (process.stdout.isTTY && process.stdout.columns) || 80;
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommandError)) throw error;
  for (const line of error.message.split('\n')) output.err(`careen: ${line}`);
  process.exitCode = 1;
}
