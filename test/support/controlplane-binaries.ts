/**
 * Where the test control plane's two binaries come from: a folder that
 * CAREEN_CONTROLPLANE names, the user's cache folder, or a build with Go into
 * that cache. As a script it prints the folder:
 *
 *     node test/support/controlplane-binaries.ts
 */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, constants, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

export const BINARIES = ['controlplane', 'kwok'] as const;

/** What goes into the build; a README or a stray output folder beside it changes nothing. */
const BUILD_INPUTS = ['build.sh', 'controlplane', 'kwok'];
const SOURCES = join(import.meta.dirname, '..', 'controlplane');
/** This machine in Go's words, such as `linux-amd64`. */
const PLATFORM = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
const HEARTBEAT_SECONDS = 15;
const ABANDONED_AFTER_HOURS = 12;
const TAIL_LINES = 20;

export type BinariesOptions = {
  readonly environment?: NodeJS.ProcessEnv;
  /** The folder with build.sh; test/controlplane by default. */
  readonly sources?: string;
  /** Told one line at a time how a build goes; standard error by default. */
  readonly progress?: (line: string) => void;
};

/**
 * The folder that has the binaries `controlplane` and `kwok`; builds them when
 * there is none, which takes minutes once.
 *
 * Safe to call from several processes at once, though each of them builds: let
 * a global setup call it before parallel test files do.
 */
export async function controlPlaneBinaries(options: BinariesOptions = {}): Promise<string> {
  const { environment = process.env, sources = SOURCES, progress = toStderr } = options;
  const named = environment['CAREEN_CONTROLPLANE'];
  if (named) {
    const missing = await missingBinaries(named);
    if (missing.length > 0)
      throw new Error(`CAREEN_CONTROLPLANE=${named} has no executable ${missing.join(' and ')}`);
    return named;
  }

  const cache = cacheFolder(environment);
  const digest = await sourcesDigest(sources);
  const go = await goVersion(sources, environment);
  const folder = go ? join(cache, `${digest}-${go}`) : await anyBuildOf(cache, digest);
  if (!folder) throw new Error(missingGoMessage(join(cache, `${digest}-GOVERSION-${PLATFORM}`)));
  if ((await missingBinaries(folder)).length > 0) await build(sources, cache, folder, environment, progress);
  return folder;
}

/** A digest over the names and contents of all that goes into the build. */
export async function sourcesDigest(sources: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of await inputFiles(sources)) {
    const content = await readFile(file);
    hash.update(`${relative(sources, file)}\0${String(content.length)}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 16);
}

async function inputFiles(sources: string): Promise<string[]> {
  const entries = await readdir(sources, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => BUILD_INPUTS.includes(relative(sources, file).split('/')[0] ?? ''))
    .sort();
}

function cacheFolder(environment: NodeJS.ProcessEnv): string {
  const caches = environment['XDG_CACHE_HOME'] || join(environment['HOME'] || homedir(), '.cache');
  return join(caches, 'careen', 'controlplane');
}

async function missingBinaries(folder: string): Promise<string[]> {
  const missing: string[] = [];
  for (const name of BINARIES) {
    await access(join(folder, name), constants.X_OK).catch(() => missing.push(name));
  }
  return missing;
}

/** Such as `go1.26.8-linux-amd64`; undefined when there is no Go. */
async function goVersion(sources: string, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    // Asked inside the module, whose go.mod may choose another toolchain.
    const cwd = join(sources, 'controlplane');
    const { stdout } = await promisify(execFile)('go', ['env', 'GOVERSION', 'GOOS', 'GOARCH'], {
      cwd,
      env: environment,
    });
    return stdout.trim().split('\n').join('-');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Without Go its version is not known: any build of the same sources for this machine will do. */
async function anyBuildOf(cache: string, digest: string): Promise<string | undefined> {
  const names = await readdir(cache).catch(() => []);
  for (const name of names.filter((each) => each.startsWith(`${digest}-`) && each.endsWith(`-${PLATFORM}`))) {
    if ((await missingBinaries(join(cache, name))).length === 0) return join(cache, name);
  }
  return undefined;
}

function missingGoMessage(cached: string): string {
  return [
    'The test control plane is not built yet and there is no Go (command "go") to build it; one of these helps:',
    `  - set CAREEN_CONTROLPLANE to a folder with the binaries ${BINARIES.join(' and ')} (test/controlplane/build.sh FOLDER makes one)`,
    `  - put them into the cache folder: ${cached}`,
    '  - install Go, at least the version in test/controlplane/controlplane/go.mod',
  ].join('\n');
}

/**
 * Builds into a sibling of the target and renames it into place: a build that
 * is killed, or that runs beside another, never leaves half a cache.
 */
async function build(
  sources: string,
  cache: string,
  target: string,
  environment: NodeJS.ProcessEnv,
  progress: (line: string) => void,
): Promise<void> {
  await mkdir(cache, { recursive: true });
  await removeAbandoned(cache);
  const folder = await mkdtemp(join(cache, 'building-'));
  try {
    progress('careen: building the test control plane (Kubernetes and kwok); this happens once');
    progress('careen: it takes 6 to 10 minutes on two cores, seconds when the caches of Go are warm');
    await runBuild(sources, folder, environment, progress);
    await rename(folder, target).catch(async (error: unknown) => {
      if ((await missingBinaries(target)).length > 0) throw error;
      // Another build of the same sources came first: its result is as good.
    });
    progress(`careen: the test control plane is in ${target}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runBuild(
  sources: string,
  folder: string,
  environment: NodeJS.ProcessEnv,
  progress: (line: string) => void,
): Promise<void> {
  // -v makes Go name each package it compiles: a heartbeat has something to show.
  const env = { ...environment, GOFLAGS: `${environment['GOFLAGS'] ?? ''} -v`.trim() };
  const child = spawn(join(sources, 'build.sh'), [folder], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const started = Date.now();
  let lines = 0;
  const tail: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      lines += 1;
      if (tail.push(line) > TAIL_LINES) tail.shift();
    });
  }
  const heartbeat = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1000);
    void missingBinaries(folder).then(([name = 'done']) => {
      progress(
        `careen: ${elapsed(seconds)} building ${name}, ${String(lines)} packages so far, now ${tail.at(-1) ?? 'starting'}`,
      );
    });
  }, HEARTBEAT_SECONDS * 1000);
  try {
    const { promise: code, resolve, reject } = Promise.withResolvers<number | null>();
    child.once('error', reject).once('close', resolve);
    if ((await code) !== 0)
      throw new Error(`${sources}/build.sh failed with code ${String(await code)}:\n${tail.join('\n')}`);
  } finally {
    clearInterval(heartbeat);
  }
}

/** A killed build leaves its temporary folder; one that old has no owner any more. */
async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith('building-')) continue;
    const { mtimeMs } = await stat(join(cache, name));
    if (Date.now() - mtimeMs > ABANDONED_AFTER_HOURS * 3_600_000)
      await rm(join(cache, name), { recursive: true, force: true });
  }
}

function elapsed(seconds: number): string {
  return `${String(Math.floor(seconds / 60))}:${String(seconds % 60).padStart(2, '0')}`;
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}

if (import.meta.main) process.stdout.write(`${await controlPlaneBinaries()}\n`);
