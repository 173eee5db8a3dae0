/**
 * The objects that an informer keeps, each with the revision and the uid of the object it was made of. A late message
 * about an object changes nothing.
 */
import type { KubernetesObject } from '@kubernetes/client-node';
import { isOlder } from './resource-versions.ts';

export type Keeping<Raw extends KubernetesObject, T> = {
  /** Makes the stored value of an object; undefined for objects that are not stored. `before`: its value until now. */
  readonly project: (object: Raw, before: T | undefined) => T | undefined;
  /** Called after the change is stored. */
  readonly changed: (before: T | undefined, after: T | undefined) => void;
  /** Calls the functions above, which may throw. */
  readonly guarded: (act: () => void) => void;
};

type Entry<T> = { readonly revision: string; readonly uid: string; readonly value: T };

export class KeptObjects<Raw extends KubernetesObject, T> {
  readonly #keeping: Keeping<Raw, T>;
  readonly #entries = new Map<string, Entry<T>>();
  /** The uids of objects that a read found deleted before the watch has reported it. */
  readonly #deleted = new Set<string>();

  constructor(keeping: Keeping<Raw, T>) {
    this.#keeping = keeping;
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.value;
  }

  /** The revision of a stored object; undefined when there is none. Empty once all revisions are forgotten. */
  revisionOf(key: string): string | undefined {
    return this.#entries.get(key)?.revision;
  }

  uidOf(key: string): string | undefined {
    return this.#entries.get(key)?.uid;
  }

  *values(): Generator<T, void, undefined> {
    for (const { value } of this.#entries.values()) yield value;
  }

  /** Stores an object, unless a newer one is stored, or it was found deleted. */
  store(object: Raw): void {
    const { key, revision } = identityOf(object);
    const uid = object.metadata?.uid ?? '';
    if (this.#deleted.has(uid)) return;
    const entry = this.#entries.get(key);
    if (entry && (entry.revision === revision || isOlder(revision, entry.revision))) return;
    const { guarded, project, changed } = this.#keeping;
    guarded(() => {
      const value = project(object, entry?.value);
      if (value === undefined) return this.remove(key);
      this.#entries.set(key, { revision, uid, value });
      changed(entry?.value, value);
    });
  }

  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#keeping.guarded(() => this.#keeping.changed(entry.value, undefined));
  }

  /** The watch has reported a deletion. */
  removeDeleted(object: Raw): void {
    const { key, revision } = identityOf(object);
    this.#deleted.delete(object.metadata?.uid ?? '');
    if (!isOlder(revision, this.revisionOf(key) ?? '')) this.remove(key);
  }

  /** A read found a stored object gone: a late event does not store it again. */
  removeGone(key: string): void {
    const uid = this.uidOf(key);
    if (uid) this.#deleted.add(uid);
    this.remove(key);
  }

  /**
   * A list at a revision is whole, with these keys. What is not in it was deleted, and no watch reported it. An entry
   * newer than the list was stored meanwhile, and stays.
   */
  removeUnlisted(keys: ReadonlySet<string>, listedAt: string): void {
    for (const [key, { revision }] of this.#entries)
      if (!keys.has(key) && !isOlder(listedAt, revision)) this.remove(key);
    this.#deleted.clear();
  }

  /** A cluster restored from a backup counts from an earlier revision: stored objects then count as older than any. */
  forgetRevisions(): void {
    this.#deleted.clear();
    for (const [key, entry] of this.#entries) this.#entries.set(key, { ...entry, revision: '' });
  }
}

/** An object's key in an informer: `namespace/name`, or the name of one without a namespace. */
export function keyOf(namespace: string | undefined, name: string): string {
  return namespace ? `${namespace}/${name}` : name;
}

/** The key and the revision of an object. */
export function identityOf({ metadata }: KubernetesObject): { key: string; revision: string } {
  return { key: keyOf(metadata?.namespace, metadata?.name ?? ''), revision: metadata?.resourceVersion ?? '' };
}
