/** Watches the MaintenanceWebhooks, reads the Secrets that they name, and writes their status. */
import type { KubernetesObject } from '@kubernetes/client-node';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import {
  maintenanceWebhookSpec,
  maintenanceWebhookStatus,
  type MaintenanceWebhookSpec,
  type MaintenanceWebhookStatus,
} from '../crds/maintenance-webhook.ts';
import { API_VERSION } from '../crds/names.ts';
import { call, FIELD_MANAGER } from '../kube/client.ts';
import { httpStatus } from '../kube/errors.ts';
import { WatchedObjects, type WatchOptions } from './watched-objects.ts';

const PLURAL = 'maintenancewebhooks';
/** A Secret is read again after this time: nobody watches it. */
const SECRET_COUNTS_MS = 30_000;

export type StoredWebhook = {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation: number;
  };
  readonly spec: MaintenanceWebhookSpec;
  readonly status: MaintenanceWebhookStatus;
};

const stored: z.ZodType<StoredWebhook> = z.looseObject({
  metadata: z.object({
    ...{ namespace: z.string(), name: z.string(), uid: z.string(), resourceVersion: z.string() },
    generation: z.int(),
  }),
  spec: maintenanceWebhookSpec,
  status: maintenanceWebhookStatus.catch({}).default({}),
});

const secretData = z.looseObject({ data: z.record(z.string(), z.string()).default({}) });
type SecretData = Readonly<Record<string, string>>;

export class WebhookObjects {
  /** Called when a webhook has changed, other than by its status. */
  changed: () => void = () => undefined;
  readonly #options: WatchOptions;
  readonly #watched: WatchedObjects<StoredWebhook>;
  readonly #secrets = new Map<string, { readonly readAt: number; readonly data: SecretData | undefined }>();

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#watched = new WatchedObjects({
      ...{ ...options, path: `/apis/${API_VERSION}/${PLURAL}`, schema: stored },
      changed: (before, after) => {
        if (before?.metadata.generation !== after?.metadata.generation) this.changed();
      },
    });
  }

  start(): void {
    this.#watched.start();
  }

  stop(): void {
    this.#watched.stop();
  }

  /** The webhooks of a namespace. Throws when they cannot be read. */
  async in(namespace: string): Promise<readonly StoredWebhook[]> {
    await this.#watched.known();
    return this.#watched.all.filter(({ metadata }) => metadata.namespace === namespace);
  }

  /** The data of the Secret that a webhook names, as it was a moment ago; undefined where there is none, or no right to it. */
  async secretOf({ metadata: { namespace }, spec }: StoredWebhook): Promise<SecretData | undefined> {
    if (!spec.secretRef) return undefined;
    const path = `/api/v1/namespaces/${namespace}/secrets/${spec.secretRef.name}`;
    const now = this.#options.clock();
    // None is kept longer than it counts.
    for (const [each, { readAt }] of this.#secrets)
      if (now - readAt >= SECRET_COUNTS_MS) this.#secrets.delete(each);
    const known = this.#secrets.get(path);
    if (known) return known.data;
    const data = await this.#readSecret(path);
    this.#secrets.set(path, { readAt: now, data });
    return data;
  }

  /** Writes the status of a webhook, where it differs. Nothing happens when it was changed or deleted meanwhile. */
  async write({ metadata, status: before }: StoredWebhook, status: MaintenanceWebhookStatus): Promise<void> {
    if (isDeepStrictEqual(before, status)) return;
    const { namespace, name, uid, resourceVersion } = metadata;
    const path = `/apis/${API_VERSION}/namespaces/${namespace}/${PLURAL}/${name}/status`;
    const query = { fieldManager: FIELD_MANAGER, fieldValidation: 'Strict' } as const;
    const body = { metadata: { uid, resourceVersion }, status };
    try {
      this.#watched.keep(
        await call<KubernetesObject>(this.#options.config, { method: 'PATCH', path, query, body }),
      );
    } catch (error) {
      const code = httpStatus(error);
      if (code !== 404 && code !== 409) throw error;
    }
  }

  async #readSecret(path: string): Promise<SecretData | undefined> {
    try {
      return secretData.parse(await call(this.#options.config, { method: 'GET', path })).data;
    } catch (error) {
      const code = httpStatus(error);
      if (code !== 403 && code !== 404) throw error;
      return undefined;
    }
  }
}
