/**
 * Installs what the OpenStack testbed needs, into Careen's cache folder. As a
 * script it prints that folder:
 *
 *     node test/support/openstack/installation.ts
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { elapsed } from '../controlplane/build-progress.ts';
import type { BinariesOptions } from '../controlplane/go-binaries.ts';
import { EventProcess, type ProcessEvent } from '../event-process.ts';

export const PYTHON = 'python3';
export const UP = join(import.meta.dirname, '..', '..', 'openstack', 'up.py');
const OLDEST = { major: 3, minor: 11 };
const HEARTBEAT_SECONDS = 15;

const preparedSchema = z.object({ cache: z.string() });
const installingSchema = z.object({ event: z.enum(['installing', 'waiting']), what: z.string() });

/**
 * The cache folder that has OpenStack and its databases; installs them when
 * they are not there, which takes minutes once. Several processes may call it
 * at once: one installs, the others wait for it.
 */
export async function installOpenStack(options: BinariesOptions = {}): Promise<string> {
  const { environment = process.env, progress = toStderr } = options;
  await needPython(environment);
  const child = new EventProcess(PYTHON, [UP, '--prepare'], environment);
  const steps = new Steps(progress);
  try {
    const prepared = await child.event((event) => {
      steps.read(event);
      return event.event === 'prepared';
    });
    return preparedSchema.parse(prepared).cache;
  } finally {
    steps.close();
    await child.stop();
  }
}

async function needPython(environment: NodeJS.ProcessEnv): Promise<void> {
  const version = await pythonVersion(environment);
  const [major = 0, minor = 0] = version?.split('.').map(Number) ?? [];
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return;
  throw new Error(
    `the OpenStack testbed needs Python ${String(OLDEST.major)}.${String(OLDEST.minor)} or later as ${PYTHON}, ` +
      `${version ? `which is ${version} here` : 'and there is none'}; on Debian, as root: ` +
      'apt-get install --yes --no-install-recommends python3 python3-venv',
  );
}

/** Such as `3.11.2`; undefined when there is no Python. */
async function pythonVersion(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(PYTHON, ['--version'], { env: environment });
    return stdout.trim().replace('Python ', '');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Prints each step of an installation when it begins, and again while it lasts. */
class Steps {
  readonly #progress: (line: string) => void;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(progress: (line: string) => void) {
    this.#progress = progress;
  }

  read(event: ProcessEvent): void {
    const { success, data } = installingSchema.safeParse(event);
    if (!success) return;
    this.close();
    const what = `${data.event === 'waiting' ? 'waiting for' : 'installing'} ${data.what}`;
    this.#progress(`careen: ${what}, for the OpenStack testbed: 2 to 4 minutes in all, once`);
    const started = Date.now();
    this.#heartbeat = setInterval(() => {
      this.#progress(`careen: ${elapsed(Math.round((Date.now() - started) / 1000))} ${what}`);
    }, HEARTBEAT_SECONDS * 1000);
  }

  close(): void {
    clearInterval(this.#heartbeat);
  }
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}

if (import.meta.main) process.stdout.write(`${await installOpenStack()}\n`);
