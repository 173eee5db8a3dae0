/**
 * Writes images as an OCI layout, with GNU tar and gzip: equal files in give equal bytes out. The archive also has the
 * list of images that an older docker looks for.
 */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';
import type { Architecture } from './parts.ts';

const TYPES = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

export type Descriptor = { readonly mediaType: string; readonly digest: string; readonly size: number };
export type Layer = { readonly createdBy: string; readonly descriptor: Descriptor; readonly diffId: string };

/** How the container runs, in the notation of the image specification. */
export type ContainerConfig = {
  readonly User: string;
  readonly Entrypoint: readonly string[];
  readonly Env: readonly string[];
  readonly WorkingDir: string;
  readonly ExposedPorts: Readonly<Record<string, Record<string, never>>>;
  readonly Labels: Readonly<Record<string, string>>;
};

export type Manifest = {
  readonly architecture: Architecture;
  readonly descriptor: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Layer[];
};

export class ImageLayout {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Begins a layout in an empty folder. */
  static async create(folder: string): Promise<ImageLayout> {
    await mkdir(join(folder, 'blobs', 'sha256'), { recursive: true });
    await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    return new ImageLayout(folder);
  }

  /** Adds all files of a folder as a layer; `scratch` is the path of a file that may be overwritten. */
  async addLayer(folder: string, scratch: string, createdBy: string): Promise<Layer> {
    await tar(folder, scratch);
    const diffId = `sha256:${await sha256(scratch)}`;
    await run('gzip', ['--no-name', '--force', scratch]);
    const compressed = `${scratch}.gz`;
    const digest = `sha256:${await sha256(compressed)}`;
    const { size } = await stat(compressed);
    await copyFile(compressed, this.#blob(digest));
    return { createdBy, descriptor: { mediaType: TYPES.layer, digest, size }, diffId };
  }

  /** Adds an image of these layers. */
  async addManifest(
    architecture: Architecture,
    created: string,
    config: ContainerConfig,
    layers: readonly Layer[],
  ): Promise<Manifest> {
    const configDescriptor = await this.#add(TYPES.config, {
      ...{ architecture, os: 'linux', created, config },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map(({ createdBy }) => ({ created, created_by: createdBy })),
    });
    const descriptor = await this.#add(TYPES.manifest, {
      schemaVersion: 2,
      mediaType: TYPES.manifest,
      config: configDescriptor,
      layers: layers.map((layer) => layer.descriptor),
      annotations: config.Labels,
    });
    return { architecture, descriptor, config: configDescriptor, layers };
  }

  /** Names the image that these manifests are together; returns its digest. */
  async name(repository: string, tag: string, manifests: readonly Manifest[]): Promise<string> {
    const [first] = manifests;
    if (!first) throw new Error('an image has at least one architecture');
    const descriptor = await this.#add(TYPES.index, {
      schemaVersion: 2,
      mediaType: TYPES.index,
      manifests: manifests.map(({ architecture, descriptor: each }) => ({
        ...each,
        platform: { architecture, os: 'linux' },
      })),
    });
    const name = `${repository}:${tag}`;
    const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': tag };
    await this.#write('index.json', {
      schemaVersion: 2,
      mediaType: TYPES.index,
      manifests: [{ ...descriptor, annotations }],
    });
    // What docker without containerd's image store loads: one architecture, and no OCI layout.
    const pathOf = ({ digest }: Descriptor): string => `blobs/${digest.replace(':', '/')}`;
    const Layers = first.layers.map((layer) => pathOf(layer.descriptor));
    await this.#write('manifest.json', [{ Config: pathOf(first.config), RepoTags: [name], Layers }]);
    return descriptor.digest;
  }

  /** Packs the layout into one file. */
  async pack(file: string): Promise<void> {
    await tar(this.#folder, file);
  }

  async #add(mediaType: string, content: unknown): Promise<Descriptor> {
    const text = JSON.stringify(content);
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
    await writeFile(this.#blob(digest), text);
    return { mediaType, digest, size: Buffer.byteLength(text) };
  }

  async #write(name: string, content: unknown): Promise<void> {
    await writeFile(join(this.#folder, name), JSON.stringify(content));
  }

  #blob(digest: string): string {
    return join(this.#folder, 'blobs', ...digest.split(':'));
  }
}

/** Packs a folder. Nothing of this machine goes in: no times, owners, and rights that depend on a umask. */
async function tar(folder: string, file: string): Promise<void> {
  const fixed = ['--format=ustar', '--sort=name', '--mtime=@0', '--mode=u=rwX,go=rX'];
  const nobody = ['--owner=0', '--group=0', '--numeric-owner'];
  const names = (await readdir(folder)).sort();
  await run('tar', [...fixed, ...nobody, '-cf', file, '-C', folder, ...names]);
}

async function sha256(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}
