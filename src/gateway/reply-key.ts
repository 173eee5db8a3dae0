import { readFile } from 'node:fs/promises';
import { LEAST_KEY_BYTES } from '../tenants/reply-links.ts';

/** Reads the key of the links. Throws an error that names the variable when it cannot be used. */
export async function readReplyKey(file: string): Promise<Uint8Array> {
  const key = await readFile(file).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new Error(`CAREEN_REPLIES_KEY_FILE names ${file}, which cannot be read: ${code}`);
  });
  if (key.length >= LEAST_KEY_BYTES) return key;
  throw new Error(
    `CAREEN_REPLIES_KEY_FILE names ${file}, which has ${String(key.length)} bytes: use ${String(LEAST_KEY_BYTES)} random ` +
      'bytes or more',
  );
}
