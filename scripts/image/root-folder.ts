/** The files of an image, in a folder: first what all versions share, then our own. */
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Bundle, BundledPackage } from './bundle.ts';
import { stripped } from './elf.ts';
import type { Architecture, DebianPackage } from './parts.ts';
import { ROOT } from './place.ts';

/** The user that the operator runs as. deploy/base/deployment.yaml names it, too. */
export const USER = 65532;
export const NODE = '/usr/local/bin/node';
export const OPERATOR = '/app/careen.mjs';
export const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

type Platform = { readonly triplet: string; readonly loader: string };
const PLATFORMS: Readonly<Record<Architecture, Platform>> = {
  amd64: { triplet: 'x86_64-linux-gnu', loader: '/lib64/ld-linux-x86-64.so.2' },
  arm64: { triplet: 'aarch64-linux-gnu', loader: '/lib/ld-linux-aarch64.so.1' },
};
/** What Node is linked with, besides the loader: `ldd node`. */
const LIBRARIES = [
  'libc.so.6',
  'libdl.so.2',
  'libgcc_s.so.1',
  'libm.so.6',
  'libpthread.so.0',
  'libstdc++.so.6',
];

export type UnpackedParts = {
  readonly architecture: Architecture;
  readonly debianRelease: string;
  /** The folder of the unpacked npm package. */
  readonly node: string;
  /** The folder with all unpacked Debian packages. */
  readonly debian: string;
  readonly packages: readonly (DebianPackage & { readonly control: string })[];
};

/** Node, its libraries, certificates, a user, and what scanners and lawyers look for. */
export async function writeBase(root: string, parts: UnpackedParts): Promise<void> {
  const { triplet, loader } = PLATFORMS[parts.architecture];
  await put(root, NODE, stripped(await readFile(join(parts.node, 'bin', 'node'))), 0o755);
  await put(root, '/licenses/node/LICENSE', await readFile(join(parts.node, 'LICENSE')));
  await put(root, loader, await readLibrary(parts.debian, triplet, basename(loader)), 0o755);
  for (const name of LIBRARIES)
    await put(root, `/usr/lib/${triplet}/${name}`, await readLibrary(parts.debian, triplet, name));
  await put(root, CERTIFICATES, await certificates(parts.debian));
  await put(root, '/etc/passwd', `careen:x:${String(USER)}:${String(USER)}:careen:/:/sbin/nologin\n`);
  await put(root, '/etc/group', `careen:x:${String(USER)}:\n`);
  await put(root, '/etc/nsswitch.conf', 'hosts: files dns\n');
  await put(root, '/etc/os-release', `ID=debian\nVERSION_ID="${parts.debianRelease}"\n`);
  for (const { name, control } of parts.packages) {
    await put(root, `/var/lib/dpkg/status.d/${name}`, control);
    await put(root, `/usr/share/doc/${name}/copyright`, await copyright(parts.debian, name));
  }
}

/** The operator, and the licences of all that is in it. */
export async function writeOperator(root: string, bundle: Bundle): Promise<void> {
  await put(root, OPERATOR, bundle.code);
  await put(root, '/licenses/careen/LICENSE', await readFile(join(ROOT, 'LICENSE')));
  await put(root, '/licenses/npm-packages.txt', await licences(bundle.packages));
}

export async function writeSbom(root: string, sbom: string): Promise<void> {
  await put(root, '/sbom.cdx.json', sbom);
}

async function put(root: string, path: string, content: string | Buffer, mode = 0o644): Promise<void> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  await chmod(file, mode);
}

/** Debian's packages have some libraries in /lib, and others in /usr/lib. */
async function readLibrary(debian: string, triplet: string, name: string): Promise<Buffer> {
  for (const folder of ['lib', 'usr/lib']) {
    try {
      return await readFile(join(debian, folder, triplet, name));
    } catch {
      continue;
    }
  }
  throw new Error(`no Debian package of scripts/image/parts.json has the library ${name}`);
}

async function certificates(debian: string): Promise<string> {
  const folder = join(debian, 'usr', 'share', 'ca-certificates', 'mozilla');
  const files = (await readdir(folder)).sort().map((name) => readFile(join(folder, name), 'utf8'));
  return (await Promise.all(files)).join('');
}

/** Some packages link the folder of another one, which may be unpacked beside it. */
async function copyright(debian: string, name: string): Promise<Buffer> {
  return readFile(join(debian, 'usr', 'share', 'doc', name, 'copyright'));
}

/** The texts of the licences of npm packages: of each all files that are called so. */
export async function licences(packages: readonly BundledPackage[]): Promise<string> {
  const texts = packages.map(async ({ name, version, licence, folder }) => {
    const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).sort();
    const contents = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
    return [`==== ${name} ${version}: ${licence} ====`, ...contents.map((text) => text.trim())].join('\n\n');
  });
  return `${(await Promise.all(texts)).join('\n\n')}\n`;
}
