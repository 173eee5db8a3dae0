/** Writes objects as the field manager `careen`, and retries when another process wrote in between. */
import type { KubeConfig } from '@kubernetes/client-node';
import { call, FIELD_MANAGER } from './client.ts';
import { httpStatus } from './errors.ts';

export type Writer = {
  readonly config: KubeConfig;
  /** Unix time in milliseconds. */
  readonly now: () => number;
};

export const MANAGED = { fieldManager: FIELD_MANAGER } as const;

/** Sends a merge patch and resolves with the object in the server's answer. Throws the error of the request. */
export async function mergePatch<T>(
  { config }: Writer,
  path: string,
  body: object,
  signal: AbortSignal,
): Promise<T> {
  return call<T>(config, { method: 'PATCH', path, query: MANAGED, body }, signal);
}

/** Other processes write often, and each try reads again. */
const TRIES = 8;

/**
 * Repeats `write`, which reads first, after a conflict. Resolves with undefined when the object is gone, or when
 * `write` does not write it. Throws when every try ends in a conflict.
 * @param what the object, for the message
 */
export async function retryOnConflict<T>(
  what: string,
  write: () => Promise<T | undefined>,
): Promise<T | undefined> {
  for (let tried = 1; ; tried++) {
    try {
      return await write();
    } catch (error) {
      if (httpStatus(error) === 404) return undefined;
      if (httpStatus(error) !== 409) throw error;
      if (tried === TRIES) throw new Error(`${what} changes too often to be written`, { cause: error });
    }
  }
}

/**
 * Waits until all writes have ended, even when one has failed: a write that continued alone could read again and write
 * something that is no longer wanted. Throws the error of a failed write.
 */
export async function allEnded<T>(writes: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(writes);
  return Promise.all(writes);
}
