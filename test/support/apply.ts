/** `kubectl apply --server-side` for the kinds that tests and the demonstration use. */
import { readFile } from 'node:fs/promises';
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

/** The API server refused a manifest; `message` is what it says. */
export class AdmissionError extends Error {
  override readonly name = 'AdmissionError';
}

/** Reads all documents of a YAML file. */
export async function readManifests(file: string): Promise<Manifest[]> {
  return loadAll(await readFile(file, 'utf8')).map((document) => manifestSchema.parse(document));
}

/** Applies manifests in their order. Throws AdmissionError. */
export async function apply(config: KubeConfig, ...manifests: readonly Manifest[]): Promise<void> {
  for (const manifest of manifests) {
    const path = `${pathOf(manifest)}?fieldManager=kubectl&force=true&fieldValidation=Strict`;
    await request(config, 'PATCH', path, 'application/apply-patch+yaml', manifest);
  }
}

/** Tries to create an object, as `kubectl create --dry-run=server` does. Throws AdmissionError. */
export async function tryCreate(config: KubeConfig, manifest: Manifest): Promise<void> {
  const collection = pathOf(manifest).replace(/\/[^/]+$/, '');
  await request(
    config,
    'POST',
    `${collection}?dryRun=All&fieldValidation=Strict`,
    'application/json',
    manifest,
  );
}

/** Changes an object by a JSON merge patch, as `kubectl patch --type merge` does. Throws AdmissionError. */
export async function mergePatch(config: KubeConfig, target: Manifest, patch: unknown): Promise<void> {
  await request(config, 'PATCH', pathOf(target), 'application/merge-patch+json', patch);
}

/** Changes the status of an object by a JSON merge patch. Throws AdmissionError, also for a field that is not known. */
export async function patchStatus(config: KubeConfig, target: Manifest, status: unknown): Promise<void> {
  const path = `${pathOf(target)}/status?fieldValidation=Strict`;
  await request(config, 'PATCH', path, 'application/merge-patch+json', { status });
}

/** Reads an object; undefined when there is none. */
export async function read(config: KubeConfig, target: Manifest): Promise<unknown> {
  return request(config, 'GET', pathOf(target));
}

/** Deletes an object, without waiting for its finalizers. */
export async function remove(config: KubeConfig, target: Manifest): Promise<void> {
  await request(config, 'DELETE', pathOf(target));
}

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
  if (response.status === 404 && (method === 'GET' || method === 'DELETE')) return undefined;
  if (!response.ok)
    throw new AdmissionError(answer.message ?? `${method} ${path}: ${String(response.status)}`);
  return answer;
}

const CLUSTER_SCOPED = new Set([
  'Namespace',
  'Node',
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'HostPool',
]);

function pathOf({ apiVersion, kind, metadata: { name, namespace = 'default' } }: Manifest): string {
  const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const lower = kind.toLowerCase();
  const plural = lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`;
  return CLUSTER_SCOPED.has(kind)
    ? `${base}/${plural}/${name}`
    : `${base}/namespaces/${namespace}/${plural}/${name}`;
}
