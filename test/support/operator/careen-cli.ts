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
export function careen(
  args: readonly string[],
  { cwd = ROOT, stdin = '', environment = {} }: CallOptions = {},
): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  const child = execFile(
    CAREEN,
    args,
    // Whatever the terminal of the tests is.
    { cwd, env: { ...process.env, COLUMNS: '100', ...environment } },
    (error, out, err) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve({ status: Number(error?.code ?? 0), out, err });
    },
  );
  child.stdin?.end(stdin);
  return promise;
}
