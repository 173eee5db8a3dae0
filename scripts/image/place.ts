import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');
/** Where everything is written that people take away. */
export const DIST = join(ROOT, 'dist');
