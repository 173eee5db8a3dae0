/** The downloads of sessions in ConfigMaps: immutable, in the namespace of the session, and removed with it. */
import type { KubeConfig, V1ConfigMap } from '@kubernetes/client-node';
import { createHash } from 'node:crypto';
import { API_VERSION, DOWNLOAD_KEY, SESSION_UID_LABEL } from '../crds/names.ts';
import type { StoredDownload } from '../crds/observed/session-progress.ts';
import type { OwnerRef } from '../crds/owner-ref.ts';
import type { Download } from '../crds/spec/downloads.ts';
import { call, FIELD_MANAGER } from '../kube/client.ts';
import { httpStatus } from '../kube/errors.ts';

/** A ConfigMap may hold 1 MiB. */
const PART_BYTES = 1_000_000;
const DIGITS = 20;

type Wanted = Pick<Download, 'name' | 'sha256'>;

/** Others have made or changed an object of ours. */
export class ForeignObjectError extends Error {
  override readonly name = 'ForeignObjectError';
}

export class DownloadObjects {
  readonly #config: KubeConfig;

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  /**
   * The download, if all of it is stored. Its content is checked again: others may write ConfigMaps there, too. Throws
   * ForeignObjectError when it is another one.
   */
  async find(owner: OwnerRef, wanted: Wanted, signal: AbortSignal): Promise<StoredDownload | undefined> {
    const first = await this.#part(owner, wanted, 0, signal);
    if (!first) return undefined;
    const count = Number(first.metadata?.annotations?.[PARTS_ANNOTATION] ?? 1);
    const parts = [first];
    for (let part = 1; part < count; part += 1) {
      const found = await this.#part(owner, wanted, part, signal);
      if (!found) return undefined;
      parts.push(found);
    }
    const content = Buffer.concat(
      parts.map(({ binaryData }) => Buffer.from(binaryData?.[DOWNLOAD_KEY] ?? '', 'base64')),
    );
    const sha256 = createHash('sha256').update(content).digest('hex');
    if (sha256 !== wanted.sha256 || parts.some(({ immutable }) => immutable !== true))
      throw new ForeignObjectError(
        `ConfigMap ${nameOf(owner, wanted, 0)} has another content than the download: delete it, then retry`,
      );
    return storedAs(owner, wanted, content.length);
  }

  /** Stores a download whose content was checked. The first part comes last, so where it is, all are. */
  async store(
    owner: OwnerRef,
    wanted: Wanted,
    content: Buffer,
    signal: AbortSignal,
  ): Promise<StoredDownload> {
    const stored = storedAs(owner, wanted, content.length);
    for (const [part, name] of [...stored.objects.entries()].toReversed()) {
      const bytes = content.subarray(part * PART_BYTES, (part + 1) * PART_BYTES);
      const body = partOf(owner, name, bytes, stored.objects.length);
      try {
        await call(
          this.#config,
          { method: 'POST', path: pathOf(owner), query: { fieldManager: FIELD_MANAGER }, body },
          signal,
        );
      } catch (error) {
        if (httpStatus(error) !== 409) throw error;
      }
    }
    // A part that was there before is perhaps none of ours.
    const found = await this.find(owner, wanted, signal);
    if (!found) throw new Error(`the ConfigMaps of download ${wanted.name} were deleted at once`);
    return found;
  }

  async #part(
    owner: OwnerRef,
    wanted: Wanted,
    part: number,
    signal: AbortSignal,
  ): Promise<V1ConfigMap | undefined> {
    const path = `${pathOf(owner)}/${nameOf(owner, wanted, part)}`;
    try {
      return await call<V1ConfigMap>(this.#config, { method: 'GET', path }, signal);
    } catch (error) {
      if (httpStatus(error) === 404) return undefined;
      throw error;
    }
  }
}

const PARTS_ANNOTATION = 'careen.dev/parts';

function storedAs(owner: OwnerRef, wanted: Wanted, sizeBytes: number): StoredDownload {
  const count = Math.max(1, Math.ceil(sizeBytes / PART_BYTES));
  const objects = Array.from({ length: count }, (_, part) => nameOf(owner, wanted, part));
  return { name: wanted.name, sizeBytes, objects };
}

function partOf(
  { kind, name: session, uid, namespace }: OwnerRef,
  name: string,
  bytes: Buffer,
  parts: number,
): V1ConfigMap {
  return {
    ...{ apiVersion: 'v1', kind: 'ConfigMap', immutable: true },
    metadata: {
      ...{ name, namespace, labels: { [SESSION_UID_LABEL]: uid } },
      annotations: { [PARTS_ANNOTATION]: String(parts) },
      ownerReferences: [{ apiVersion: API_VERSION, kind, name: session, uid }],
    },
    binaryData: { [DOWNLOAD_KEY]: bytes.toString('base64') },
  };
}

/** It follows from session, download and content: the same one is never stored twice, and never replaced by another. */
function nameOf({ uid }: OwnerRef, { name, sha256 }: Wanted, part: number): string {
  const digest = createHash('sha256').update(`${uid}/${name}/${sha256}`).digest('hex').slice(0, DIGITS);
  return `careen-download-${digest}-${String(part)}`;
}

function pathOf({ namespace }: OwnerRef): string {
  return `/api/v1/namespaces/${namespace}/configmaps`;
}
