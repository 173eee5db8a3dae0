/**
 * The objects of an API server in memory: one revision for each write, optimistic
 * locking, generations, finalizers, and a log of all changes that watches read.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  isJson,
  keyOf,
  RESOURCES,
  type ApiObject,
  type Json,
  type NewObject,
  type Resource,
} from './objects.ts';

export type Change = {
  readonly revision: number;
  readonly resource: Resource;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: ApiObject;
  readonly before: ApiObject | undefined;
  /** Who wrote: a process of the operator, a person, or the cluster itself. */
  readonly by: string;
};

/** An error of HTTP. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: number;
  readonly reason: string;
  readonly details: Json | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: number,
    reason: string,
    message: string,
    more: { details?: Json; retryAfterSeconds?: number } = {},
  ) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = more.details;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}

/** The objects for readers that write none. */
export type Objects = Pick<ApiServer, 'get' | 'list' | 'listen'>;

export class ApiServer {
  readonly #now: () => number;
  readonly #objects: Readonly<Record<Resource, Map<string, ApiObject>>>;
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #log: Change[] = [];
  #revision = 100;

  constructor(now: () => number) {
    this.#now = now;
    const empty = RESOURCES.map((resource) => [resource, new Map<string, ApiObject>()]);
    // A cast: fromEntries does not keep which keys there are.
    this.#objects = Object.fromEntries(empty) as Record<Resource, Map<string, ApiObject>>;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Reports every change, at once. */
  listen(listener: (change: Change) => void): void {
    this.#listeners.add(listener);
  }

  stopListening(listener: (change: Change) => void): void {
    this.#listeners.delete(listener);
  }

  get(resource: Resource, key: string): ApiObject | undefined {
    return this.#objects[resource].get(key);
  }

  list(resource: Resource): ApiObject[] {
    return [...this.#objects[resource].values()];
  }

  /** The changes of a kind since a revision. */
  since(resource: Resource, revision: number): Change[] {
    return this.#log.filter((change) => change.resource === resource && change.revision > revision);
  }

  create(resource: Resource, object: NewObject, by: string): ApiObject {
    const key = keyOf(object.metadata);
    if (this.get(resource, key))
      throw new Refusal(409, 'AlreadyExists', `${resource} "${key}" already exists`);
    const revision = this.#next();
    const uid = `uid-${String(revision)}`;
    const creationTimestamp = timestamp(this.#now());
    const metadata = {
      ...{ ...object.metadata, uid, generation: 1, creationTimestamp },
      resourceVersion: String(revision),
    };
    return this.#keep(resource, { ...object, metadata }, undefined, 'ADDED', by);
  }

  /** Writes what `change` returns for an object. A change without effect is no write. Throws Refusal 404. */
  update(resource: Resource, key: string, change: (object: ApiObject) => ApiObject, by: string): ApiObject {
    const before = this.#found(resource, key);
    const wished = change(before);
    const { metadata } = before;
    const after = {
      ...wished,
      metadata: { ...wished.metadata, uid: metadata.uid, resourceVersion: metadata.resourceVersion },
    };
    if (isDeepStrictEqual(before, after)) return before;
    const generation = isDeepStrictEqual(before.spec, after.spec)
      ? metadata.generation
      : metadata.generation + 1;
    const written = { ...after, metadata: { ...after.metadata, generation } };
    if (written.metadata.deletionTimestamp !== undefined && !hasFinalizers(written))
      return this.#drop(resource, written, before, by);
    return this.#keep(resource, this.#stamped(written), before, 'MODIFIED', by);
  }

  /** Removes an object, or marks it as deleted while it has finalizers. Throws Refusal 404. */
  remove(resource: Resource, key: string, by: string): ApiObject {
    const object = this.#found(resource, key);
    if (!hasFinalizers(object)) return this.#drop(resource, object, object, by);
    const deletionTimestamp = timestamp(this.#now());
    if (object.metadata.deletionTimestamp !== undefined) return object;
    return this.update(
      resource,
      key,
      (each) => ({ ...each, metadata: { ...each.metadata, deletionTimestamp } }),
      by,
    );
  }

  #found(resource: Resource, key: string): ApiObject {
    const object = this.get(resource, key);
    if (!object) throw new Refusal(404, 'NotFound', `${resource} "${key}" not found`);
    return object;
  }

  #drop(resource: Resource, object: ApiObject, before: ApiObject, by: string): ApiObject {
    this.#objects[resource].delete(keyOf(object.metadata));
    const last = this.#stamped(object);
    this.#publish({ revision: this.#revision, resource, type: 'DELETED', object: last, before, by });
    return last;
  }

  #keep(
    resource: Resource,
    object: ApiObject,
    before: ApiObject | undefined,
    type: 'ADDED' | 'MODIFIED',
    by: string,
  ): ApiObject {
    this.#objects[resource].set(keyOf(object.metadata), object);
    this.#publish({ revision: Number(object.metadata.resourceVersion), resource, type, object, before, by });
    return object;
  }

  #stamped(object: ApiObject): ApiObject {
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#next()) } };
  }

  #publish(change: Change): void {
    this.#log.push(change);
    for (const listener of this.#listeners) listener(change);
  }

  #next(): number {
    this.#revision += 1;
    return this.#revision;
  }
}

function hasFinalizers({ metadata: { finalizers = [] } }: ApiObject): boolean {
  return finalizers.length > 0;
}

/** The API server's format of times: whole seconds. */
function timestamp(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/** A field below an object, by its path; undefined where a part of the path is missing. */
export function at(object: unknown, ...path: readonly string[]): unknown {
  let found = object;
  for (const field of path) found = isJson(found) ? found[field] : undefined;
  return found;
}
