/** How objects are written: by whom, and what is done when another process wrote in between. */
import type { KubeConfig } from '@kubernetes/client-node';
import { call, FIELD_MANAGER } from './client.ts';
import { httpStatus } from './errors.ts';

export type Writer = {
  readonly config: KubeConfig;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
};

export const MANAGED = { fieldManager: FIELD_MANAGER } as const;

/** Sends a merge patch and resolves with the object as the server answers it. Throws what the request throws. */
export async function mergePatch<T>(
  { config }: Writer,
  path: string,
  body: object,
  signal: AbortSignal,
): Promise<T> {
  return call<T>(config, { method: 'PATCH', path, query: MANAGED, body }, signal);
}

/** Others write often; each try reads anew. */
const TRIES = 8;

/**
 * Reads and writes again on a conflict. Resolves with undefined when the object is gone, or is not to be written. Throws
 * when it changes each time it is tried.
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
 * Waits until all have ended, also when one has failed: one that went on by itself would read anew later, and write on
 * what is no longer wanted.
 */
export async function allEnded<T>(writes: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(writes);
  return Promise.all(writes);
}
