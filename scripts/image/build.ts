/**
 * Writes the operator's image as dist/careen-VERSION.oci.tar, and its bill of materials beside it. It asks no registry
 * of images.
 *
 *     make image [ARCH=amd64] [LOCKED=1]
 *
 * LOCKED refuses to take another version of a part than scripts/image/parts.json has. Otherwise a version that Debian's
 * archive has no longer is replaced by the one that it has, with a warning.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VERSION } from '../../src/crds/version.ts';
import { bundle, type Bundle } from './bundle.ts';
import { run } from './command.ts';
import { folderSize } from './folder-size.ts';
import { ImageLayout, type ContainerConfig, type Manifest } from './oci.ts';
import {
  ARCHITECTURES,
  findPackage,
  readParts,
  unpackedNode,
  type Architecture,
  type Parts,
} from './parts.ts';
import { DIST, ROOT } from './place.ts';
import {
  CERTIFICATES,
  NODE,
  OPERATOR,
  USER,
  writeBase,
  writeOperator,
  writeSbom,
  type UnpackedParts,
} from './root-folder.ts';
import { sbomOf } from './sbom.ts';
import { IMAGE_REPOSITORY } from './repository.ts';
import packageJson from '../../package.json' with { type: 'json' };

/** At most this much, unpacked. */
const MAX_MEGABYTES = 120;

export type BuildOptions = {
  readonly architectures: readonly Architecture[];
  readonly locked: boolean;
  /** Where the files go. */
  readonly target: string;
  readonly say: (line: string) => void;
};

export type BuiltImage = {
  readonly file: string;
  readonly digest: string;
  readonly platforms: readonly {
    readonly architecture: Architecture;
    readonly digest: string;
    readonly megabytes: number;
    readonly compressedMegabytes: number;
  }[];
};

export async function buildImage(options: BuildOptions): Promise<BuiltImage> {
  const { architectures, target, say } = options;
  const parts = await readParts();
  const source = await sourceOf();
  await mkdir(target, { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), 'careen-image-'));
  try {
    const operator = await bundle('src/main.ts');
    await writeFile(join(target, `careen-${VERSION}.mjs.map`), operator.map);
    const layout = await ImageLayout.create(join(folder, 'layout'));
    const built: { readonly manifest: Manifest; readonly megabytes: number }[] = [];
    for (const architecture of architectures) {
      const work = join(folder, architecture);
      built.push(await buildPlatform({ ...options, architecture, parts, source, operator, layout, work }));
      await rm(work, { recursive: true });
    }
    const file = join(target, `careen-${VERSION}.oci.tar`);
    const digest = await layout.name(
      IMAGE_REPOSITORY,
      VERSION,
      built.map(({ manifest }) => manifest),
    );
    await layout.pack(file);
    say(`wrote ${file}`);
    const platforms = built.map(({ manifest: { architecture, descriptor, layers }, megabytes }) => ({
      ...{ architecture, digest: descriptor.digest, megabytes },
      compressedMegabytes: layers.reduce((sum, layer) => sum + layer.descriptor.size, 0) / 1e6,
    }));
    return { file, digest, platforms };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Source = { readonly revision: string; readonly created: string };
type Platform = BuildOptions & {
  readonly architecture: Architecture;
  readonly parts: Parts;
  readonly source: Source;
  readonly operator: Bundle;
  readonly layout: ImageLayout;
  /** An empty folder for the files. */
  readonly work: string;
};

async function buildPlatform(
  platform: Platform,
): Promise<{ readonly manifest: Manifest; readonly megabytes: number }> {
  const { architecture, source, operator, layout, work, target } = platform;
  const unpacked = await unpack(platform);
  const sbom = sbomOf({
    ...{ version: VERSION, created: source.created, architecture },
    ...{ nodeVersion: platform.parts.nodeVersion, npm: operator.packages },
    debian: unpacked.packages.map(({ name, version, sha256 }) => ({ name, version, sha256 })),
  });
  await writeFile(join(target, `careen-${VERSION}-${architecture}.cdx.json`), sbom);
  const [base, own] = [join(work, 'base'), join(work, 'own')];
  await writeBase(base, unpacked);
  await writeOperator(own, operator);
  await writeSbom(own, sbom);
  const megabytes = ((await folderSize(base)) + (await folderSize(own))) / 1e6;
  if (megabytes > MAX_MEGABYTES)
    throw new Error(
      `the image for ${architecture} has ${megabytes.toFixed(1)} MB; at most ${String(MAX_MEGABYTES)} are allowed`,
    );
  const layers = [
    await layout.addLayer(base, join(work, 'base.tar'), 'Node and its libraries'),
    await layout.addLayer(own, join(work, 'own.tar'), 'the operator'),
  ];
  const manifest = await layout.addManifest(architecture, source.created, containerConfig(source), layers);
  return { manifest, megabytes };
}

async function unpack(platform: Platform): Promise<UnpackedParts> {
  const { architecture, parts, work } = platform;
  const debian = join(work, 'debian');
  await mkdir(debian, { recursive: true });
  const node = await unpackedNode(architecture, join(work, 'npm'));
  const packages: UnpackedParts['packages'][number][] = [];
  for (const each of parts.platforms[architecture].debian) {
    const { file, found } = await findPackage(architecture, each, platform);
    await run('dpkg-deb', ['--extract', file, debian]);
    packages.push({ ...found, control: await run('dpkg-deb', ['--field', file]) });
  }
  return { architecture, debianRelease: parts.debianRelease, node, debian, packages };
}

function containerConfig({ revision, created }: Source): ContainerConfig {
  const label = (name: string): string => `org.opencontainers.image.${name}`;
  return {
    User: `${String(USER)}:${String(USER)}`,
    Entrypoint: [NODE, OPERATOR],
    // Node trusts the certificates of the image: another file can be mounted over them.
    Env: ['PATH=/usr/local/bin', 'NODE_USE_SYSTEM_CA=1', `SSL_CERT_FILE=${CERTIFICATES}`],
    WorkingDir: '/',
    ExposedPorts: { '8080/tcp': {} },
    Labels: {
      [label('title')]: 'careen',
      [label('description')]: packageJson.description,
      [label('version')]: VERSION,
      [label('revision')]: revision,
      [label('created')]: created,
      [label('licenses')]: packageJson.license,
      [label('source')]: packageJson.repository,
    },
  };
}

/** The commit and its time; without git SOURCE_DATE_EPOCH has the time. */
async function sourceOf(): Promise<Source> {
  const git = async (...args: readonly string[]): Promise<string> =>
    (await run('git', args, { cwd: ROOT })).trim();
  const iso = (seconds: string): string => new Date(Number(seconds) * 1000).toISOString();
  try {
    const changed = (await git('status', '--porcelain')) !== '';
    const [commit = '', seconds = '0'] = (await git('log', '-1', '--format=%H %ct')).split(' ');
    return { revision: changed ? `${commit}-changed` : commit, created: iso(seconds) };
  } catch {
    return { revision: 'unknown', created: iso(process.env['SOURCE_DATE_EPOCH'] ?? '0') };
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { arch: { type: 'string', multiple: true }, locked: { type: 'boolean', default: false } },
  });
  const wanted = values.arch ?? ARCHITECTURES;
  const architectures = ARCHITECTURES.filter((each) => wanted.includes(each));
  if (architectures.length < wanted.length)
    throw new Error(`ARCH=${wanted.join(' ')}: images are made for ${ARCHITECTURES.join(' and ')}`);
  const { locked } = values;
  const { digest, platforms } = await buildImage({ architectures, locked, target: DIST, say: console.log });
  for (const { architecture, digest: each, megabytes, compressedMegabytes } of platforms)
    console.log(
      `${architecture}: ${megabytes.toFixed(1)} MB, compressed ${compressedMegabytes.toFixed(1)} MB, ${each}`,
    );
  console.log(`${IMAGE_REPOSITORY}:${VERSION}@${digest}`);
}

if (import.meta.main) await main();
