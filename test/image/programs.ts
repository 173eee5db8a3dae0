/** The programs of the container world that these tests run: from Debian's packages. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** runc, as crun refuses machines that have both versions of cgroups. */
const PROGRAMS = ['podman', 'runc', 'skopeo', 'umoci'];
const MAX_OUTPUT = 64 * 1024 * 1024;

/** The output of a program. Fails with its errors when its exit status is not 0. */
export async function run(program: string, ...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(program, args, { maxBuffer: MAX_OUTPUT })).stdout;
}

/** Installs what is missing, if this is root on a system with apt. Else fails with what is to be done. */
export async function needPrograms(): Promise<void> {
  const missing = await missingPrograms();
  if (missing.length === 0) return;
  const install = ['install', '--yes', '--no-install-recommends', ...missing];
  if (process.getuid?.() !== 0)
    throw new Error(
      `the tests of the image need ${missing.join(', ')}: as root, apt-get ${install.join(' ')}`,
    );
  process.stderr.write(`careen: installing ${missing.join(', ')} for the tests of the image\n`);
  await run('apt-get', 'update', '--quiet=2').catch(() => undefined); // the installation says what is missing
  await run('apt-get', ...install);
}

async function missingPrograms(): Promise<string[]> {
  const found = await Promise.all(
    PROGRAMS.map((name) =>
      run(name, '--version').then(
        () => true,
        () => false,
      ),
    ),
  );
  return PROGRAMS.filter((_, i) => !found[i]);
}
