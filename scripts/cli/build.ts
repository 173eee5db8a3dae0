/**
 * Writes the command line as one executable file that needs nothing installed: dist/careen for this machine, and
 * dist/kubectl-careen, which makes it a plugin of kubectl. It is Node with our code inside.
 *
 *     make cli [ARCH=arm64]     with ARCH: dist/careen-linux-ARCH
 *
 * dist/careen.mjs is the same for a machine that has Node 24, whatever its system.
 */
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle, type Bundle } from '../image/bundle.ts';
import { run } from '../image/command.ts';
import { stripped } from '../image/elf.ts';
import { ARCHITECTURES, unpackedNode, type Architecture } from '../image/parts.ts';
import { DIST, ROOT } from '../image/place.ts';
import { licences } from '../image/root-folder.ts';

const EXECUTABLE = join(import.meta.dirname, 'executable.cjs');
const INJECT = join(ROOT, 'node_modules', 'postject', 'dist', 'cli.js');
/** Node looks for our code under this name, and only where this mark is changed. */
const RESOURCE = 'NODE_SEA_BLOB';
const MARK = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

export type BuiltCli = { readonly executable: string; readonly plugin: string };

/** Builds for this machine. */
export async function buildCli(target: string): Promise<BuiltCli> {
  const own = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const executable = join(target, 'careen');
  await buildExecutables(target, [[own, executable]]);
  const plugin = join(target, 'kubectl-careen');
  await rm(plugin, { force: true });
  await symlink('careen', plugin);
  return { executable, plugin };
}

async function buildExecutables(
  target: string,
  wanted: readonly (readonly [Architecture, string])[],
): Promise<void> {
  await mkdir(target, { recursive: true });
  const built = await bundle(await entry());
  const script = join(target, 'careen.mjs');
  await writeFile(script, `#!/usr/bin/env node\n${built.code}`);
  await chmod(script, 0o755);
  const folder = await mkdtemp(join(tmpdir(), 'careen-cli-'));
  try {
    const blob = await blobOf(built, folder);
    for (const [architecture, file] of wanted) {
      const node = await unpackedNode(architecture, join(folder, architecture));
      await writeFile(file, stripped(await readFile(join(node, 'bin', 'node'))));
      await run(process.execPath, [INJECT, file, RESOURCE, blob, '--sentinel-fuse', MARK]);
      await chmod(file, 0o755);
      const texts = [await readFile(join(node, 'LICENSE'), 'utf8'), await licences(built.packages)];
      await writeFile(join(target, 'careen.licenses.txt'), texts.join('\n'));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What bin/careen runs. */
async function entry(): Promise<string> {
  const [, path] =
    /"\$root\/(src\/[^"]+\.ts)"/.exec(await readFile(join(ROOT, 'bin', 'careen'), 'utf8')) ?? [];
  if (path === undefined) throw new Error('bin/careen runs no file "$root/src/….ts"');
  return path;
}

/** The file with our code as Node expects it; the same for every architecture. */
async function blobOf({ code }: Bundle, folder: string): Promise<string> {
  const module = join(folder, 'careen.mjs');
  const config = join(folder, 'config.json');
  const blob = join(folder, 'blob');
  await writeFile(module, code);
  const settings = {
    ...{ main: EXECUTABLE, output: blob, assets: { 'careen.mjs': module } },
    disableExperimentalSEAWarning: true,
  };
  await writeFile(config, JSON.stringify(settings));
  await run(process.execPath, ['--experimental-sea-config', config]);
  return blob;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { arch: { type: 'string', multiple: true } } });
  if (!values.arch) {
    const { executable, plugin } = await buildCli(DIST);
    console.log(`wrote ${executable} and ${plugin}; put both into a folder of your PATH`);
    return;
  }
  const wanted = ARCHITECTURES.filter((each) => values.arch?.includes(each));
  if (wanted.length < values.arch.length)
    throw new Error(`ARCH=${values.arch.join(' ')}: there are ${ARCHITECTURES.join(' and ')}`);
  const files = wanted.map((each) => [each, join(DIST, `careen-linux-${each}`)] as const);
  await buildExecutables(DIST, files);
  for (const [, file] of files) console.log(`wrote ${file}`);
}

if (import.meta.main) await main();
