/** What the operators of a whole test run printed, kept for the suite that ends it. */
import { randomUUID } from 'node:crypto';
import { appendFileSync, globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Stands in every secret that a test plants: none may be found in what an operator prints. */
export const PLANTED = 'planted-Zt4qXw9sB';

/** Keeps the lines of one process, in a file of its own in the folder that CAREEN_LOG_DIR names; none when it names none. */
export function keepOutput(): (line: string) => void {
  const folder = process.env['CAREEN_LOG_DIR'];
  if (!folder) return () => undefined;
  const file = join(folder, `${randomUUID()}.log`);
  return (line) => appendFileSync(file, `${line}\n`);
}

/** All lines that were kept in a folder. */
export async function keptOutput(folder: string): Promise<string[]> {
  const texts = globSync(join(folder, '*.log')).map(async (file) => readFile(file, 'utf8'));
  return (await Promise.all(texts)).flatMap((text) => text.split('\n')).filter((line) => line !== '');
}
