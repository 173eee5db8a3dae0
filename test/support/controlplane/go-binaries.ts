/**
 * Finds programs for tests that are built from Go modules: in a folder that an
 * environment variable names, in the user's cache folder, or by a build with Go
 * into that cache.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { access, constants, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { BuildProgress } from './build-progress.ts';
import { careenCache } from './careen-cache.ts';

/** This machine in Go's notation, such as `linux-amd64`. */
const PLATFORM = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
const HEARTBEAT_SECONDS = 15;
const ABANDONED_AFTER_HOURS = 12;

/** Programs of one build. */
export type GoBuild = {
  /** The folder of the cache, below `careen`. */
  readonly name: string;
  /** For people, such as `the test control plane`. */
  readonly what: string;
  /** For people: its duration with empty caches. */
  readonly duration: string;
  readonly binaries: readonly string[];
  /** The folder with build.sh, whose argument is the output folder. */
  readonly sources: string;
  /** The inputs of the build; a README or a stray output folder beside them changes nothing. */
  readonly inputs: readonly string[];
  /** The folder of a go.mod, in `sources`: it may choose the toolchain. */
  readonly module: string;
  /** The environment variable that names a folder with the binaries. */
  readonly variable: string;
};

export type BinariesOptions = {
  readonly environment?: NodeJS.ProcessEnv;
  /** Receives the progress of a build line by line; standard error by default. */
  readonly progress?: (line: string) => void;
};

/**
 * The folder that has the binaries of a build; builds them when there is none,
 * which takes minutes once.
 *
 * Safe to call from several processes at once, though each of them builds: let
 * a global setup call it before parallel test files do.
 */
export async function goBinaries(build: GoBuild, options: BinariesOptions = {}): Promise<string> {
  const { environment = process.env, progress = toStderr } = options;
  const { variable, binaries } = build;
  const named = environment[variable];
  if (named) {
    const missing = await missingBinaries(named, binaries);
    if (missing.length > 0)
      throw new Error(`${variable}=${named} has no executable ${missing.join(' and ')}`);
    return named;
  }

  const cache = cacheFolder(build, environment);
  const digest = await sourcesDigest(build);
  const go = await goVersion(build, environment);
  const folder = go ? join(cache, `${digest}-${go}`) : await anyBuildOf(build, cache, digest);
  if (!folder) throw new Error(missingGoMessage(build, join(cache, `${digest}-GOVERSION-${PLATFORM}`)));
  if ((await missingBinaries(folder, binaries)).length > 0)
    await buildInto(folder, cache, build, { environment, progress });
  return folder;
}

/** A digest over the names and contents of all inputs of the build. */
export async function sourcesDigest({
  sources,
  inputs,
}: Pick<GoBuild, 'sources' | 'inputs'>): Promise<string> {
  const hash = createHash('sha256');
  for (const file of await inputFiles(sources, inputs)) {
    const content = await readFile(file);
    hash.update(`${relative(sources, file)}\0${String(content.length)}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 16);
}

async function inputFiles(sources: string, inputs: readonly string[]): Promise<string[]> {
  const entries = await readdir(sources, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => inputs.includes(relative(sources, file).split('/')[0] ?? ''))
    .sort();
}

function cacheFolder({ name }: GoBuild, environment: NodeJS.ProcessEnv): string {
  return join(careenCache(environment), name);
}

async function missingBinaries(folder: string, binaries: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const name of binaries) {
    await access(join(folder, name), constants.X_OK).catch(() => missing.push(name));
  }
  return missing;
}

/** Such as `go1.26.8-linux-amd64`; undefined when there is no Go. */
async function goVersion(
  { sources, module }: GoBuild,
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  try {
    // Run inside the module, whose go.mod may choose another toolchain.
    const cwd = join(sources, module);
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

/** Without Go its version is unknown: any build of the same sources for this machine is good enough. */
async function anyBuildOf({ binaries }: GoBuild, cache: string, digest: string): Promise<string | undefined> {
  const names = await readdir(cache).catch(() => []);
  for (const name of names.filter((each) => each.startsWith(`${digest}-`) && each.endsWith(`-${PLATFORM}`))) {
    if ((await missingBinaries(join(cache, name), binaries)).length === 0) return join(cache, name);
  }
  return undefined;
}

function missingGoMessage({ what, variable, binaries, sources, module }: GoBuild, cached: string): string {
  return [
    `${what} is not built yet and there is no Go (command "go") to build it; one of these helps:`,
    `  - set ${variable} to a folder with the binaries ${binaries.join(', ')} (${join(sources, 'build.sh')} FOLDER makes one)`,
    `  - put them into the cache folder: ${cached}`,
    `  - install Go, at least the version in ${join(sources, module, 'go.mod')}`,
  ].join('\n');
}

/**
 * Builds into a sibling of the target and renames it into place: a build that
 * is killed, or that runs beside another, never leaves half a cache.
 */
async function buildInto(
  target: string,
  cache: string,
  build: GoBuild,
  options: Required<BinariesOptions>,
): Promise<void> {
  const { progress } = options;
  await mkdir(cache, { recursive: true });
  await removeAbandoned(cache);
  const folder = await mkdtemp(join(cache, 'building-'));
  try {
    progress(
      `careen: building ${build.what}, once: about ${build.duration} on two cores, less with warm caches of Go`,
    );
    await runBuild(folder, build, options);
    await rename(folder, target).catch(async (error: unknown) => {
      if ((await missingBinaries(target, build.binaries)).length > 0) throw error;
      // Another build of the same sources was faster: its result is as good.
    });
    progress(`careen: ${build.what}: built in ${target}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runBuild(
  folder: string,
  { sources, binaries }: GoBuild,
  { environment, progress }: Required<BinariesOptions>,
): Promise<void> {
  // -v makes Go print each package that it compiles, as progress.
  const env = { ...environment, GOFLAGS: `${environment['GOFLAGS'] ?? ''} -v`.trim() };
  const child = spawn(join(sources, 'build.sh'), [folder], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const started = Date.now();
  const output = new BuildProgress();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => output.read(line));
  }
  const heartbeat = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1000);
    void missingBinaries(folder, binaries).then(([name = 'done']) => {
      progress(`careen: ${output.describe(seconds, name)}`);
    });
  }, HEARTBEAT_SECONDS * 1000);
  try {
    const { promise: code, resolve, reject } = Promise.withResolvers<number | null>();
    child.once('error', reject).once('close', resolve);
    if ((await code) !== 0)
      throw new Error(`${sources}/build.sh failed with code ${String(await code)}:\n${output.tail}`);
  } finally {
    clearInterval(heartbeat);
  }
}

/** A killed build leaves its temporary folder; a folder of that age has no owner any more. */
async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith('building-')) continue;
    // Another build may have ended since, and renamed its folder.
    const found = statSync(join(cache, name), { throwIfNoEntry: false });
    if (found && Date.now() - found.mtimeMs > ABANDONED_AFTER_HOURS * 3_600_000)
      await rm(join(cache, name), { recursive: true, force: true });
  }
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}
