/** The command line as a process of its own. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..', '..');
export const CAREEN = join(ROOT, 'bin', 'careen');

export type Ended = { readonly status: number; readonly out: string; readonly err: string };
export type CallOptions = {
  readonly cwd?: string;
  readonly stdin?: string;
  readonly environment?: Readonly<Record<string, string>>;
};

/** Runs `careen` with these arguments and resolves when it has ended, with any status. */
export async function careen(
  args: readonly string[],
  { cwd = ROOT, stdin = '', environment = {} }: CallOptions = {},
): Promise<Ended> {
  // Whatever the terminal of the tests is.
  const own = { ...process.env, COLUMNS: '100', ...environment };
  return call(CAREEN, args, { cwd, stdin, environment: own });
}

/** Runs a program with just this environment and resolves when it has ended, with any status. */
export function call(
  program: string,
  args: readonly string[],
  {
    cwd,
    stdin = '',
    environment: env,
  }: { readonly cwd: string; readonly stdin?: string; readonly environment: NodeJS.ProcessEnv },
): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  const child = execFile(program, args, { cwd, env }, (error, out, err) => {
    if (error && typeof error.code !== 'number') reject(error);
    else resolve({ status: Number(error?.code ?? 0), out, err });
  });
  child.stdin?.end(stdin);
  return promise;
}
