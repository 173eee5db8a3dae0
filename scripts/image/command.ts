/** Runs other programs. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const MAX_OUTPUT = 64 * 1024 * 1024;

/** The output of a program. Fails with its errors when its exit status is not 0. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { maxBuffer: MAX_OUTPUT, ...options });
  return stdout;
}
