/** `kubectl apply --server-side` for the kinds that tests and the demonstration use. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { HttpMethod, RequestContext } from '@kubernetes/client-node';
import { loadAll } from 'js-yaml';
import { fetch } from 'undici';
import { z } from 'zod';

const manifestSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** The API server refused a manifest; `message` is its message. */
export class AdmissionError extends Error {
  override readonly name = 'AdmissionError';
}

/** Reads all documents of a YAML file. */
export async function readManifests(file: string): Promise<Manifest[]> {
  return parseManifests(await readFile(file, 'utf8'));
}

/** Reads all documents of a text in YAML. */
export function parseManifests(yaml: string): Manifest[] {
  return loadAll(yaml).map((document) => manifestSchema.parse(document));
}

/** Applies manifests in their order. Throws AdmissionError. */
export async function apply(config: KubeConfig, ...manifests: readonly Manifest[]): Promise<void> {
  for (const manifest of manifests) await applyAs(config, 'kubectl', manifest);
}

/** Applies a manifest with a field manager; returns the resulting object, which with `dryRun` is not stored. */
export async function applyAs(
  config: KubeConfig,
  fieldManager: string,
  manifest: Manifest,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<unknown> {
  const query = `fieldManager=${fieldManager}&force=true&fieldValidation=Strict${dryRun ? '&dryRun=All' : ''}`;
  const path = `${await pathOf(config, manifest)}?${query}`;
  return request(config, 'PATCH', path, 'application/apply-patch+yaml', manifest);
}

/** Tries to create an object, like `kubectl create --dry-run=server`; returns the result. Throws AdmissionError. */
export async function tryCreate(config: KubeConfig, manifest: Manifest): Promise<unknown> {
  const collection = (await pathOf(config, manifest)).replace(/\/[^/]+$/, '');
  const path = `${collection}?dryRun=All&fieldValidation=Strict`;
  return request(config, 'POST', path, 'application/json', manifest);
}

/** Changes an object by a JSON merge patch, like `kubectl patch --type merge`. Throws AdmissionError. */
export async function mergePatch(config: KubeConfig, target: Manifest, patch: unknown): Promise<void> {
  await request(config, 'PATCH', await pathOf(config, target), 'application/merge-patch+json', patch);
}

/** Changes the status of an object by a JSON merge patch. Throws AdmissionError, also for an unknown field. */
export async function patchStatus(config: KubeConfig, target: Manifest, status: unknown): Promise<void> {
  const path = `${await pathOf(config, target)}/status?fieldValidation=Strict`;
  await request(config, 'PATCH', path, 'application/merge-patch+json', { status });
}

/** Replaces the whole status of an object, like `kubectl replace --subresource=status`. Throws AdmissionError. */
export async function replaceStatus(config: KubeConfig, target: Manifest, status: unknown): Promise<void> {
  const before = manifestSchema.parse(await read(config, target));
  await request(config, 'PUT', `${await pathOf(config, target)}/status`, 'application/json', {
    ...before,
    status,
  });
}

/** Replaces an object except its status, like `kubectl replace`. Throws AdmissionError. */
export async function replace(config: KubeConfig, manifest: Manifest): Promise<void> {
  const { metadata } = manifestSchema.parse(await read(config, manifest));
  const { resourceVersion } = metadata;
  await request(config, 'PUT', await pathOf(config, manifest), 'application/json', {
    ...manifest,
    metadata: { ...manifest.metadata, resourceVersion },
  });
}

/** Reads an object; undefined when there is none. */
export async function read(config: KubeConfig, target: Manifest): Promise<unknown> {
  return request(config, 'GET', await pathOf(config, target));
}

const listSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  items: z.array(z.unknown()),
});

/** Lists the objects beside a target that a field selector matches; `path` is the path of the list and the watch. */
export async function list(
  config: KubeConfig,
  target: Manifest,
  fieldSelector: string,
): Promise<{ readonly path: string; readonly resourceVersion: string; readonly items: readonly unknown[] }> {
  const path = (await pathOf(config, target)).replace(/\/[^/]+$/, '');
  const answer = await request(config, 'GET', `${path}?fieldSelector=${encodeURIComponent(fieldSelector)}`);
  const { metadata, items } = listSchema.parse(answer);
  return { path, resourceVersion: metadata.resourceVersion, items };
}

/** Deletes an object, without waiting for its finalizers. */
export async function remove(
  config: KubeConfig,
  target: Manifest,
  propagation: 'Background' | 'Foreground' = 'Background',
): Promise<void> {
  await request(config, 'DELETE', `${await pathOf(config, target)}?propagationPolicy=${propagation}`);
}

const RETRY_MILLISECONDS = 200;

async function request(
  config: KubeConfig,
  method: string,
  path: string,
  contentType?: string,
  body?: unknown,
): Promise<unknown> {
  const url = `${config.getCurrentCluster()?.server ?? ''}${path}`;
  const context = new RequestContext(url, HttpMethod.GET);
  await config.applySecurityAuthentication(context);
  const dispatcher = context.getDispatcher();
  const response = await fetch(url, {
    method,
    headers: {
      ...context.getHeaders(),
      Accept: 'application/json',
      ...(contentType ? { 'Content-Type': contentType } : {}),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(dispatcher ? { dispatcher } : {}),
  });
  const answer = z.looseObject({ message: z.string().optional() }).parse(await response.json());
  // The API server prepares the storage of a kind anew after a change of its CRD.
  if (response.status === 429 && method === 'GET') {
    await delay(RETRY_MILLISECONDS);
    return request(config, method, path);
  }
  if (response.status === 404 && (method === 'GET' || method === 'DELETE')) return undefined;
  if (!response.ok)
    throw new AdmissionError(answer.message ?? `${method} ${path}: ${String(response.status)}`);
  return answer;
}

const resourcesSchema = z.looseObject({
  resources: z.array(z.looseObject({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});
type Served = { readonly plural: string; readonly namespaced: boolean };
/** By API version and kind. The name of a kind in paths is the same on all API servers. */
const served = new Map<string, Served>();

async function pathOf(config: KubeConfig, manifest: Manifest): Promise<string> {
  const { plural, namespaced } = await servedAs(config, manifest);
  const { name, namespace = 'default' } = manifest.metadata;
  const scope = namespaced ? `/namespaces/${namespace}` : '';
  return `${groupPath(manifest)}${scope}/${plural}/${name}`;
}

async function servedAs(config: KubeConfig, { apiVersion, kind }: Manifest): Promise<Served> {
  const key = `${apiVersion} ${kind}`;
  const known = served.get(key);
  if (known) return known;
  const answer = (await request(config, 'GET', groupPath({ apiVersion }))) ?? { resources: [] };
  const found = resourcesSchema
    .parse(answer)
    .resources.find((resource) => resource.kind === kind && !resource.name.includes('/'));
  if (!found) throw new AdmissionError(`the API server does not serve ${kind} of ${apiVersion} (yet)`);
  const resource = { plural: found.name, namespaced: found.namespaced };
  served.set(key, resource);
  return resource;
}

function groupPath({ apiVersion }: Pick<Manifest, 'apiVersion'>): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
