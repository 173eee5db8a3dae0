/** The output of the operators of a whole test run, kept for the suite that ends it. */
import { randomUUID } from 'node:crypto';
import { appendFileSync, globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A part of every secret that a test plants: the operator's output must not contain it. */
export const PLANTED = 'planted-Zt4qXw9sB';

/** Keeps the lines of one process, in a file of its own in the folder of CAREEN_LOG_DIR; nothing without it. */
export function keepOutput(): (line: string) => void {
  const folder = process.env['CAREEN_LOG_DIR'];
  if (!folder) return () => undefined;
  const file = join(folder, `${randomUUID()}.log`);
  return (line) => appendFileSync(file, `${line}\n`);
}

/** All kept lines of a folder. */
export async function keptOutput(folder: string): Promise<string[]> {
  const texts = globSync(join(folder, '*.log')).map(async (file) => readFile(file, 'utf8'));
  return (await Promise.all(texts)).flatMap((text) => text.split('\n')).filter((line) => line !== '');
}
