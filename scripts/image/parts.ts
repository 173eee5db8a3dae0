/**
 * What an image consists of besides our own code: Node from its npm package, libraries and certificates from Debian's
 * packages. parts.json pins them, and they are kept in the user's cache folder.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import { careenCache } from '../../test/support/controlplane/careen-cache.ts';
import { run } from './command.ts';

const PARTS_FILE = join(import.meta.dirname, 'parts.json');
const CACHE = join(careenCache(process.env), 'image');

const debianPackage = z.strictObject({ name: z.string(), version: z.string(), sha256: z.string() });
const platformParts = z.strictObject({
  /** The integrity of the npm package with this platform's Node, as in a lockfile. */
  node: z.string(),
  debian: z.array(debianPackage),
});
const partsSchema = z.strictObject({
  nodeVersion: z.string(),
  debianRelease: z.string(),
  platforms: z.strictObject({ amd64: platformParts, arm64: platformParts }),
});
export type Parts = z.infer<typeof partsSchema>;
export type DebianPackage = z.infer<typeof debianPackage>;

/** An architecture, in the notation of images and of Debian. */
export const ARCHITECTURES = ['amd64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** The same in the notation of Node's npm packages. */
const NPM_ARCHITECTURES: Readonly<Record<Architecture, string>> = { amd64: 'x64', arm64: 'arm64' };

export async function readParts(): Promise<Parts> {
  return partsSchema.parse(JSON.parse(await readFile(PARTS_FILE, 'utf8')));
}

export async function writeParts(parts: Parts): Promise<void> {
  await writeFile(PARTS_FILE, `${JSON.stringify(parts, null, 2)}\n`);
}

/** Unpacks the pinned Node of an architecture; returns the folder that has `bin/node`. */
export async function unpackedNode(architecture: Architecture, folder: string): Promise<string> {
  const { nodeVersion, platforms } = await readParts();
  if (nodeVersion !== packageJson.devDependencies.node)
    throw new Error(
      'package.json has another version of node than scripts/image/parts.json: make image-parts',
    );
  const { file, integrity } = await nodePackage(architecture, nodeVersion);
  if (integrity !== platforms[architecture].node)
    throw new Error(`${file} is not the package that scripts/image/parts.json pins: it has ${integrity}`);
  await mkdir(folder, { recursive: true });
  await run('tar', ['-xzf', file, '-C', folder, 'package/bin/node', 'package/LICENSE']);
  return join(folder, 'package');
}

/** The npm package with the Node of an architecture: the path of the file, and its integrity. */
export async function nodePackage(
  architecture: Architecture,
  version: string,
): Promise<{ readonly file: string; readonly integrity: string }> {
  const name = `node-linux-${NPM_ARCHITECTURES[architecture]}`;
  const file = join(CACHE, `${name}-${version}.tgz`);
  if (!(await exists(file))) {
    await inOwnFolder(`npm-${architecture}`, async (folder) => {
      await run('npm', ['pack', `${name}@${version}`, '--silent', '--pack-destination', folder]);
      await rename(join(folder, `${name}-${version}.tgz`), file);
    });
  }
  return { file, integrity: `sha512-${await digest(file, 'sha512', 'base64')}` };
}

export type FindOptions = {
  /** Whether only the pinned version will do. */
  readonly locked: boolean;
  readonly say: (line: string) => void;
};

/** A Debian package as it is pinned; where the archive has it no longer, as the archive has it now. */
export async function findPackage(
  architecture: Architecture,
  pinned: DebianPackage,
  { locked, say }: FindOptions,
): Promise<FoundPackage> {
  const file = await pinnedFile(architecture, pinned);
  if (file !== undefined) return { file, found: pinned };
  const newest = await newestPackage(architecture, pinned.name);
  const gone = `${pinned.name} ${pinned.version} is no longer in Debian's archive, which has ${newest.found.version}`;
  const remedy = 'make image-parts pins the new versions; commit scripts/image/parts.json';
  if (locked) throw new Error(`${gone}: ${remedy}`);
  say(`warning: ${gone}. The image has this one, so its digest is not that of other builds. ${remedy}`);
  return newest;
}

/** The file of a pinned package; undefined when the archive has another version by now. */
async function pinnedFile(
  architecture: Architecture,
  { name, version, sha256 }: DebianPackage,
): Promise<string | undefined> {
  const file = join(CACHE, `${sha256}.deb`);
  if (await exists(file)) return file;
  const found = await download(architecture, `${name}=${version}`).catch(() => undefined);
  return found?.sha256 === sha256 ? found.file : undefined;
}

export type FoundPackage = { readonly file: string; readonly found: DebianPackage };

/** The version of a package that Debian's archive has now. */
export async function newestPackage(architecture: Architecture, name: string): Promise<FoundPackage> {
  const { file, sha256 } = await download(architecture, name);
  const version = (await run('dpkg-deb', ['--field', file, 'Version'])).trim();
  return { file, found: { name, version, sha256 } };
}

/** Downloads into the cache; apt checks the signatures of the archive. */
async function download(
  architecture: Architecture,
  what: string,
): Promise<{ readonly file: string; readonly sha256: string }> {
  const env = { ...process.env, APT_CONFIG: await aptConfig(architecture) };
  return inOwnFolder(`apt-${architecture}`, async (folder) => {
    await run('apt-get', ['download', what], { cwd: folder, env });
    const [name = ''] = await readdir(folder);
    const sha256 = await digest(join(folder, name), 'sha256', 'hex');
    const file = join(CACHE, `${sha256}.deb`);
    await rename(join(folder, name), file);
    return { file, sha256 };
  });
}

const configs = new Map<Architecture, Promise<string>>();

/** A configuration of apt with lists of its own, so that no system's package lists and architectures change. */
async function aptConfig(architecture: Architecture): Promise<string> {
  const known = configs.get(architecture) ?? updatedLists(architecture);
  configs.set(architecture, known);
  return known;
}

async function updatedLists(architecture: Architecture): Promise<string> {
  const folder = join(CACHE, `apt-${architecture}-lists`);
  await mkdir(join(folder, 'lists', 'partial'), { recursive: true });
  await mkdir(join(folder, 'archives', 'partial'), { recursive: true });
  const file = join(folder, 'apt.conf');
  const lines = [
    `APT::Architecture "${architecture}";`,
    `APT::Architectures { "${architecture}"; };`,
    'APT::Sandbox::User "root";',
    `Dir::State "${folder}";`,
    'Dir::State::status "/dev/null";',
    `Dir::Cache "${folder}";`,
  ];
  await writeFile(file, lines.join('\n'));
  // A source of this system that has nothing for this architecture is no reason to stop: the download decides.
  await run('apt-get', ['update', '-qq'], { env: { ...process.env, APT_CONFIG: file } }).catch(
    (error: unknown) => {
      if (isMissingProgram(error)) throw new Error(NO_APT);
    },
  );
  return file;
}

const NO_APT =
  'make image takes libraries from Debian packages and finds no apt-get: run it on Debian or in a container of it, ' +
  'or build the image with a registry (docker build .)';

function isMissingProgram(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

async function inOwnFolder<T>(name: string, act: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(CACHE, `${name}-${String(process.pid)}`);
  await mkdir(folder, { recursive: true });
  try {
    return await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function digest(file: string, algorithm: string, encoding: 'hex' | 'base64'): Promise<string> {
  return createHash(algorithm)
    .update(await readFile(file))
    .digest(encoding);
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
