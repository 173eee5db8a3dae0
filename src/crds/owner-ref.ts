import { z } from 'zod';
import { namespaceName, objectName, text } from './schema/schema.ts';

/**
 * An object of ours that owns runs, permits, claims and Jobs. The kind is part of it: objects of different kinds may
 * have the same name in one namespace.
 */
export const ownerRef = z
  .object({
    kind: text(63)
      .regex(/^[A-Z][A-Za-z0-9]*$/, 'expected the kind of a resource, such as PatchStrategy')
      .describe('Its kind.'),
    namespace: namespaceName().describe('Its namespace.'),
    name: objectName().describe('Its name.'),
    uid: text(36).describe('Its uid.'),
  })
  .describe('The object that a run belongs to.');
export type OwnerRef = Readonly<z.infer<typeof ownerRef>>;

/** The name of an owner while it exists, for queue keys and messages. */
export type OwnerName = Pick<OwnerRef, 'kind' | 'namespace' | 'name'>;

/** Whether both are the same object; the same name is not enough. */
export function isSameOwner(a: OwnerRef, b: OwnerRef): boolean {
  return a.uid === b.uid && a.kind === b.kind;
}

/** `PatchStrategy/careen-hosts/kernel`: the key of an owner in queues and maps. */
export function ownerKey({ kind, namespace, name }: OwnerName): string {
  return [kind, namespace, name].join('/');
}

/** The owner that a key of `ownerKey` names. */
export function ownerOfKey(key: string): OwnerName {
  const [kind = '', namespace = '', name = ''] = key.split('/');
  return { kind, namespace, name };
}

/** `PatchStrategy careen-hosts/kernel`: an owner in a message. */
export function ownerText({ kind, namespace, name }: OwnerName): string {
  return `${kind} ${namespace}/${name}`;
}
