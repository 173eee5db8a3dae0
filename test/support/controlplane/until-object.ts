/** Waits for what becomes of an object. By a watch: asking again and again would take from what is waited for. */
import { Watch, type KubeConfig } from '@kubernetes/client-node';
import { notWithin, type WaitOptions } from '../eventually.ts';
import { list, type Manifest } from './apply.ts';

/** What `look` makes of an object; undefined and false mean that it is not yet as wished. */
type Look<T> = (object: unknown) => T | undefined | false;

/**
 * Resolves with the first thing that `look` makes of the object as it is now, or
 * becomes; of undefined while there is none. Fails after the deadline with what
 * `describe` last saw.
 */
export async function untilObject<T>(
  what: string,
  config: KubeConfig,
  target: Manifest,
  look: Look<T>,
  { seconds = 30, describe = () => '' }: WaitOptions = {},
): Promise<T> {
  const deadline = AbortSignal.timeout(seconds * 1000);
  while (!deadline.aborted) {
    const found = await follow(config, target, look, deadline);
    if (found !== undefined && found !== false) return found;
  }
  throw notWithin(what, seconds, describe());
}

/** Follows the object from how it is now until the end of one watch, which may come at any time. */
async function follow<T>(
  config: KubeConfig,
  target: Manifest,
  look: Look<T>,
  deadline: AbortSignal,
): Promise<T | undefined | false> {
  const fieldSelector = `metadata.name=${target.metadata.name}`;
  const { path, resourceVersion, items } = await list(config, target, fieldSelector);
  const found = look(items[0]);
  if (found !== undefined && found !== false) return found;

  const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
  const end = (): void => resolve(undefined);
  const heard = (type: string, object: unknown): void => {
    if (type === 'ERROR') {
      end();
      return;
    }
    try {
      const seen = look(type === 'DELETED' ? undefined : object);
      if (seen !== undefined && seen !== false) resolve(seen);
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  };
  deadline.addEventListener('abort', end);
  try {
    const watch = await new Watch(config).watch(path, { fieldSelector, resourceVersion }, heard, end);
    try {
      return await promise;
    } finally {
      watch.abort();
    }
  } finally {
    deadline.removeEventListener('abort', end);
  }
}
