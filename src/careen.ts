/**
 * The process of the command line. KUBECONFIG, COLUMNS, NO_COLOR and TERM mean what they mean to other programs;
 * CAREEN_NAME is the name by which bin/careen was called. The operator is loaded only for `careen run`: every other command
 * starts in half the time.
 */
import { basename } from 'node:path';
import { CommandError } from './cli/command-error.ts';
import { addRun } from './cli/commands/run.ts';
import { complete, completionText } from './cli/completion/complete.ts';
import type { Io } from './cli/io.ts';
import { careenProgram } from './cli/program.ts';
import { withStyles } from './cli/text/style.ts';
import type { Terminal } from './cli/watch/screen.ts';
import { printable } from './crds/text/printable.ts';
import type { PooledKubeConfig } from './kube/client.ts';

const { env, stdout, stderr } = process;

/** kubectl starts the program `kubectl-careen` for `kubectl careen`. */
const called = basename(env['CAREEN_NAME'] || process.argv[1] || '');
const hasColours = stdout.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb';

const terminal: Terminal = {
  write: (text) => void stdout.write(text),
  size: () => ({ columns: stdout.columns || columns(), rows: stdout.rows || 24 }),
  onResize: (listener) => {
    stdout.on('resize', listener);
    return () => void stdout.off('resize', listener);
  },
};

/** Everything that the command line prints goes through `out` or `err`, and the pictures of `watch` through `terminal`. */
const io: Io = {
  name: called === 'kubectl-careen' ? 'kubectl careen' : 'careen',
  environment: env,
  width: columns(),
  isTerminal: stdout.isTTY,
  hasColours,
  ...(stdout.isTTY && env['TERM'] !== 'dumb' ? { terminal } : {}),
  out: (text) => void stdout.write(withStyles(printable(text), hasColours)),
  err: (text) => void stderr.write(printable(text)),
  note: (text) => io.err(`careen: ${text}\n`),
};

/** A terminal that does not know its width says 0. */
function columns(): number {
  const given = Number(env['COLUMNS']);
  if (given > 0) return given;
  return (stdout.isTTY && stdout.columns) || 80;
}

// The reader may stop early: careen vectors --emit | head
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

/** A terminal gets lines for people, and a file or another program gets JSON. Nobody else reaches the endpoints. */
async function startOperator(newClient: () => PooledKubeConfig): Promise<void> {
  const [{ runOperator }, { makeLogger }, { humanLines }] = await Promise.all([
    import('./run-operator.ts'),
    import('./telemetry/logger.ts'),
    import('./telemetry/human-lines.ts'),
  ]);
  const level = env['LOG_LEVEL'] || 'info';
  const destination = stdout.isTTY ? { destination: humanLines((text) => stdout.write(text)) } : {};
  const environment = { CAREEN_PORT: '0', ...env };
  await runOperator({
    environment,
    log: makeLogger({ level, ...destination }),
    host: '127.0.0.1',
    newClient,
  });
}

const program = careenProgram(io, [(each) => addRun(each, io, startOperator)]);
const [, , command, ...words] = process.argv;
if (command === '__complete') {
  io.out(completionText(await complete(program, words, io)));
  // A request that is late has no one who waits for it.
  process.exit();
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommandError)) throw error;
  for (const line of error.message.split('\n')) io.note(line);
  process.exitCode = 1;
}
