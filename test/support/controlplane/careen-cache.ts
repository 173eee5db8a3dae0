import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder of Careen in the user's cache folder. Everything in it can be made again. */
export function careenCache(environment: NodeJS.ProcessEnv): string {
  const caches = environment['XDG_CACHE_HOME'] || join(environment['HOME'] || homedir(), '.cache');
  return join(caches, 'careen');
}
