import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { buildImage, type BuiltImage } from '../../scripts/image/build.ts';
import { ARCHITECTURES, findPackage } from '../../scripts/image/parts.ts';
import { ROOT } from '../../scripts/image/place.ts';
import { VERSION } from '../../src/crds/version.ts';
import { needPrograms, run } from './programs.ts';

let folder: string;
let image: BuiltImage;
const roots: Record<string, string> = {};

beforeAll(async () => {
  await needPrograms();
  folder = await mkdtemp(join(tmpdir(), 'careen-image-test-'));
  image = await buildImage({ ...QUIET, architectures: ARCHITECTURES, target: join(folder, 'dist') });
  for (const architecture of ARCHITECTURES) roots[architecture] = await unpacked(architecture);
}, 300_000);
afterAll(async () => rm(folder, { recursive: true, force: true }));

const QUIET = { locked: false, say: (): void => undefined };
const MACHINES: Readonly<Record<string, number>> = { amd64: 62, arm64: 183 };

/** The root folder of an architecture, unpacked by umoci. */
async function unpacked(architecture: string): Promise<string> {
  const layout = join(folder, `layout-${architecture}`);
  const bundle = join(folder, `bundle-${architecture}`);
  await run(
    'skopeo',
    '--override-arch',
    architecture,
    'copy',
    `oci-archive:${image.file}`,
    `oci:${layout}:it`,
  );
  await run('umoci', 'unpack', '--image', `${layout}:it`, bundle);
  return join(bundle, 'rootfs');
}

async function filesIn(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => `/${relative(root, join(parentPath, name))}`)
    .sort();
}

describe('the image', () => {
  it('has the same digest when it is built again', async () => {
    const again = await buildImage({ ...QUIET, architectures: ['amd64'], target: join(folder, 'again') });
    expect(again.platforms[0]?.digest).toBe(image.platforms[0]?.digest);
  }, 120_000);

  it('says what it is, by skopeo', async () => {
    const inspected = await run('skopeo', 'inspect', `oci-archive:${image.file}`);
    const revision = (await run('git', 'log', '-1', '--format=%H')).trim();
    const time = Number(await run('git', 'log', '-1', '--format=%ct'));
    const shown = z.looseObject({ Digest: z.string(), Labels: z.record(z.string(), z.string()) });
    const { Digest, Labels } = shown.parse(JSON.parse(inspected));
    expect(Digest).toBe(image.digest);
    expect(Labels['org.opencontainers.image.version']).toBe(VERSION);
    expect(Labels['org.opencontainers.image.revision']?.replace(/-changed$/, '')).toBe(revision);
    expect(Labels['org.opencontainers.image.created']).toBe(new Date(time * 1000).toISOString());
    expect(Labels['org.opencontainers.image.licenses']).toBe('Apache-2.0');
  });

  it.each(ARCHITECTURES)('runs as nobody in particular, for %s', async (architecture) => {
    const args = ['--override-arch', architecture, 'inspect', '--config', `oci-archive:${image.file}`];
    expect(JSON.parse(await run('skopeo', ...args))).toMatchObject({
      architecture,
      os: 'linux',
      config: { User: '65532:65532', Entrypoint: ['/usr/local/bin/node', '/app/careen.mjs'] },
    });
  });

  it.each(ARCHITECTURES)(
    'has Node for %s and what it needs: no shell, no other program',
    async (architecture) => {
      const root = roots[architecture] ?? '';
      const files = await filesIn(root);
      const modes = await Promise.all(files.map(async (file) => (await stat(join(root, file))).mode));
      const programs = files.filter((_, i) => ((modes[i] ?? 0) & 0o111) !== 0);
      expect(programs).toEqual([expect.stringMatching(/^\/lib(64)?\/ld-linux-/), '/usr/local/bin/node']);
      expect(modes.filter((mode) => (mode & 0o6022) !== 0)).toEqual([]); // setuid, setgid, writable by others
      const node = await readFile(join(root, 'usr', 'local', 'bin', 'node'));
      expect(node.readUInt16LE(18)).toBe(MACHINES[architecture]);
      expect(files.filter((file) => /\.map$|node_modules|\.ts$/.test(file))).toEqual([]);
    },
  );

  it('has at most 120 MB', async () => {
    for (const root of Object.values(roots)) {
      const sizes = (await filesIn(root)).map(async (file) => (await stat(join(root, file))).size);
      expect((await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(120e6);
    }
  });

  it('lists its contents with their licences', async () => {
    const root = roots['amd64'] ?? '';
    const inside = await readFile(join(root, 'sbom.cdx.json'), 'utf8');
    expect(await readFile(join(folder, 'dist', `careen-${VERSION}-amd64.cdx.json`), 'utf8')).toBe(inside);
    const component = z.looseObject({ name: z.string(), version: z.string(), purl: z.string() });
    const { components } = z.looseObject({ components: z.array(component) }).parse(JSON.parse(inside));
    const names = components.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['node', 'zod', 'undici', 'pino', 'libc6', 'ca-certificates']),
    );
    expect(names).not.toContain('vitest');

    const texts = await readFile(join(root, 'licenses', 'npm-packages.txt'), 'utf8');
    for (const { name, version, purl } of components)
      if (purl.startsWith('pkg:npm/')) expect(texts).toContain(`==== ${name} ${version}: `);
    const debian = components.filter(({ purl }) => purl.startsWith('pkg:deb/'));
    for (const { name, version } of debian) {
      expect((await readFile(join(root, 'usr/share/doc', name, 'copyright'), 'utf8')).length).toBeGreaterThan(
        1000,
      );
      expect(await readFile(join(root, 'var/lib/dpkg/status.d', name), 'utf8')).toContain(
        `Version: ${version}\n`,
      );
    }
  });

  it('has certificates of authorities', async () => {
    const file = join(roots['amd64'] ?? '', 'etc/ssl/certs/ca-certificates.crt');
    const found = (await readFile(file, 'utf8')).match(/-----BEGIN CERTIFICATE-----\n/g);
    expect(found?.length).toBeGreaterThan(100);
  });

  it('has the operator that the Dockerfile takes', async () => {
    const dockerfile = await readFile(join(ROOT, 'Dockerfile'), 'utf8');
    const [, script = ''] = /^RUN node (\S+) \/operator$/m.exec(dockerfile) ?? [];
    const written = join(folder, 'operator');
    await run(process.execPath, join(ROOT, script), written);
    expect(await filesIn(written)).toEqual([
      '/app/careen.mjs',
      '/licenses/careen/LICENSE',
      '/licenses/npm-packages.txt',
    ]);
    const [theirs, ours] = [written, roots['amd64'] ?? ''].map((root) =>
      readFile(join(root, 'app/careen.mjs')),
    );
    expect((await theirs)?.equals((await ours) ?? Buffer.alloc(0))).toBe(true);
  });

  it.each([
    ['as an archive of docker', 'docker-archive'],
    ['as an archive of OCI, with its name for containerd', 'oci-archive'],
  ])('can be read %s', async (_, transport) => {
    const target = join(folder, transport);
    await mkdir(target);
    await run('skopeo', 'copy', `${transport}:${image.file}`, `dir:${target}`);
    const index = JSON.parse(await run('tar', '-xOf', image.file, 'index.json')) as unknown;
    const name = `ghcr.io/careen-dev/careen:${VERSION}`;
    expect(index).toMatchObject({ manifests: [{ annotations: { 'io.containerd.image.name': name } }] });
    expect(JSON.parse(await run('tar', '-xOf', image.file, 'manifest.json'))).toMatchObject([
      { RepoTags: [name] },
    ]);
  });
});

describe('a Debian package whose pinned version is gone', () => {
  const gone = { name: 'ca-certificates', version: '20200101', sha256: '0'.repeat(64) };

  it('is replaced by that of the archive, with a warning', async () => {
    const said: string[] = [];
    const say = (line: string): void => void said.push(line);
    const { found } = await findPackage('amd64', gone, { locked: false, say });
    expect(found.version).toMatch(/^202\d{5}/);
    expect(said).toEqual([
      expect.stringContaining(`20200101 is no longer in Debian's archive, which has ${found.version}.`),
    ]);
  }, 60_000);

  it('fails a release, with what is to be done', async () => {
    const found = findPackage('amd64', gone, { ...QUIET, locked: true });
    await expect(found).rejects.toThrow(/has 202\S+: make image-parts pins the new versions/);
  }, 60_000);
});
