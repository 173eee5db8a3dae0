/** Carries out the operator's requests on the objects of the simulated API server. */
import type { Call } from '../../../src/kube/client.ts';
import { Refusal, type ApiServer } from './api-server.ts';
import {
  isJson,
  keyOf,
  overTheWire,
  RESOURCES,
  type ApiObject,
  type Json,
  type NewObject,
  type Resource,
} from './objects.ts';
import { jsonPatched, mergePatched, PatchRefused } from './patches.ts';

export type Target = {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
};

/** Decides about an eviction and carries it out; throws Refusal. */
export type Evict = (pod: ApiObject, by: string) => void;

/** The object or list that a path names. Throws Refusal 404. */
export function targetOf(path: string): Target {
  const parts = path.split('/').slice(1);
  const rest = parts.slice(parts[0] === 'apis' ? 3 : 2);
  const namespaced = rest[0] === 'namespaces' && rest.length > 2;
  const [resource = '', name, subresource] = namespaced ? rest.slice(2) : rest;
  if (!isResource(resource)) throw new Refusal(404, 'NotFound', `the simulated server has no ${path}`);
  return { resource, namespace: namespaced ? rest[1] : undefined, name, subresource };
}

function isResource(name: string): name is Resource {
  return RESOURCES.some((each) => each === name);
}

/** Carries a request out and returns the body of its answer. Throws Refusal. */
export function carryOut(server: ApiServer, request: Call, evict: Evict, by: string): unknown {
  const target = targetOf(request.path);
  const { resource, name } = target;
  if (request.method === 'POST' && target.subresource === 'eviction')
    return evicted(server, target, request.body, evict, by);
  if (request.method === 'POST') return created(server, target, request.body, by);
  if (name === undefined)
    return request.method === 'DELETE'
      ? removedAll(server, target, request, by)
      : listed(server, target, request);
  const key = target.namespace === undefined ? name : `${target.namespace}/${name}`;
  switch (request.method) {
    case 'GET':
      return shown(found(server, resource, key), request);
    case 'PATCH':
      return shown(patched(server, target, key, request.body, by), request);
    case 'DELETE':
      checkPreconditions(
        found(server, resource, key),
        isJson(request.body) ? request.body['preconditions'] : undefined,
      );
      return server.remove(resource, key, by);
  }
}

function found(server: ApiServer, resource: Resource, key: string): ApiObject {
  const object = server.get(resource, key);
  if (!object) throw new Refusal(404, 'NotFound', `${resource} "${key}" not found`);
  return object;
}

function shown(object: ApiObject, { as }: Call): unknown {
  return as === 'metadata' ? metadataOf(object) : object;
}

export function metadataOf({ metadata }: ApiObject): object {
  return { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata };
}

function listed(server: ApiServer, { resource, namespace }: Target, { query = {}, as }: Call): unknown {
  const selects = selection(namespace, query);
  const found = server.list(resource).filter(selects);
  const items = as === 'metadata-list' ? found.map(metadataOf) : found;
  return { metadata: { resourceVersion: String(server.revision) }, items };
}

function removedAll(
  server: ApiServer,
  { resource, namespace }: Target,
  { query = {} }: Call,
  by: string,
): unknown {
  const items = server.list(resource).filter(selection(namespace, query));
  for (const { metadata } of items) server.remove(resource, keyOf(metadata), by);
  return { items };
}

/** The beginning of a watch that lists first: its objects, and the bookmark after them, as lines of the answer. */
export function initialEvents(server: ApiServer, { path, query = {}, as }: Call): string[] {
  const { resource, namespace } = targetOf(path);
  const found = server.list(resource).filter(selection(namespace, query));
  const annotations = { 'k8s.io/initial-events-end': 'true' };
  const bookmark = { metadata: { resourceVersion: String(server.revision), annotations } };
  return [
    ...found.map((object) => ({ type: 'ADDED', object: as === 'metadata' ? metadataOf(object) : object })),
    { type: 'BOOKMARK', object: bookmark },
  ].map((event) => JSON.stringify(event));
}

/** Selects the objects of a request. */
export function selection(
  namespace: string | undefined,
  query: NonNullable<Call['query']>,
): (object: ApiObject) => boolean {
  const [field, wantedField] = String(query['fieldSelector'] ?? '').split('=');
  const [label, wantedLabel] = String(query['labelSelector'] ?? '').split(/=| in /);
  const wantedLabels = wantedLabel?.replace(/^\(|\)$/g, '').split(',');
  return ({ metadata, spec, status }) => {
    if (namespace !== undefined && metadata.namespace !== namespace) return false;
    if (field === 'metadata.name' && metadata.name !== wantedField) return false;
    if (field === 'spec.nodeName' && spec?.['nodeName'] !== wantedField) return false;
    if (field === 'status.successful' && JSON.stringify(status?.['succeeded'] ?? 0) !== wantedField)
      return false;
    if (!label) return true;
    const value = metadata.labels?.[label];
    return wantedLabels ? value !== undefined && wantedLabels.includes(value) : value !== undefined;
  };
}

function created(server: ApiServer, { resource, namespace }: Target, body: unknown, by: string): ApiObject {
  // A cast: the operator's own manifests have a name.
  const object = overTheWire(body) as NewObject;
  const metadata = { ...object.metadata, ...(namespace === undefined ? {} : { namespace }) };
  return server.create(resource, { ...object, metadata }, by);
}

function evicted(
  server: ApiServer,
  { namespace, name }: Target,
  body: unknown,
  evict: Evict,
  by: string,
): unknown {
  const pod = found(server, 'pods', `${String(namespace)}/${String(name)}`);
  const options = isJson(body) ? body['deleteOptions'] : undefined;
  checkPreconditions(pod, isJson(options) ? options['preconditions'] : undefined);
  evict(pod, by);
  return { kind: 'Status', apiVersion: 'v1', status: 'Success' };
}

function checkPreconditions({ metadata }: ApiObject, preconditions: unknown): void {
  if (!isJson(preconditions)) return;
  for (const field of ['uid', 'resourceVersion'] as const)
    if (preconditions[field] !== undefined && preconditions[field] !== metadata[field])
      throw new Refusal(409, 'Conflict', `precondition failed: ${field} is ${metadata[field]}, another`);
}

function patched(
  server: ApiServer,
  { resource, subresource }: Target,
  key: string,
  body: unknown,
  by: string,
): ApiObject {
  const before = found(server, resource, key);
  const patch = overTheWire(body);
  const after = applied(before, patch);
  checkPreconditions(before, after['metadata']);
  return server.update(resource, key, (object) => part(object, after, subresource), by);
}

function applied(before: ApiObject, patch: unknown): Json {
  try {
    return (Array.isArray(patch) ? jsonPatched(before, patch) : mergePatched(before, patch)) as Json; // an object stays one
  } catch (error) {
    if (!(error instanceof PatchRefused)) throw error;
    throw new Refusal(422, 'Invalid', error.message);
  }
}

/** A write to `status` changes only the status; a write to a custom resource changes everything but its status. */
function part(object: ApiObject, after: Json, subresource: string | undefined): ApiObject {
  const { status, ...rest } = after;
  const kept = subresource === 'status' || !isCustom(object) ? status : object.status;
  const chosen = subresource === 'status' ? { ...object } : { ...rest };
  return (kept === undefined ? chosen : { ...chosen, status: kept }) as ApiObject; // its fields are those of the object
}

function isCustom({ apiVersion }: ApiObject): boolean {
  return apiVersion.startsWith('careen.dev/');
}
