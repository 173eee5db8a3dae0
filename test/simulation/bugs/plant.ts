/**
 * Plants one known bug while a process lives: it replaces the text of one file of
 * the operator when the file is loaded. The files themselves do not change.
 */
import { registerHooks } from 'node:module';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Bug } from './bug.ts';

const ROOT = new URL('../../../', import.meta.url);

/** The text of the file with the bug in it. Throws unless the replaced text is there exactly once. */
export function withBug({ name, file, instead, of }: Bug): string {
  const text = readFileSync(new URL(file, ROOT), 'utf8');
  const places = text.split(of).length - 1;
  if (places !== 1)
    throw new Error(`bug "${name}": ${file} has ${String(places)} times what it replaces, not once: ${of}`);
  return text.replace(of, () => instead);
}

/** From now on the file is loaded with the bug in it. */
export function plant(bug: Bug): void {
  const planted = withBug(bug);
  const path = fileURLToPath(new URL(bug.file, ROOT));
  registerHooks({
    load: (url, context, next) =>
      url.startsWith('file:') && fileURLToPath(url) === path
        ? { format: 'module-typescript', source: planted, shortCircuit: true }
        : next(url, context),
  });
}
