import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readReplyKey } from '../../../src/gateway/reply-key.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'careen-key-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('reads a key that is long enough', async () => {
  const file = join(folder, 'key');
  await writeFile(file, Buffer.alloc(32, 7));
  expect(Buffer.from(await readReplyKey(file))).toEqual(Buffer.alloc(32, 7));
});

it('says what is wrong with a file, and nothing of its content', async () => {
  const file = join(folder, 'key');
  await expect(readReplyKey(file)).rejects.toThrow(`names ${file}, which cannot be read: ENOENT`);
  await writeFile(file, 'a short key');
  await expect(readReplyKey(file)).rejects.toThrow(
    `CAREEN_REPLIES_KEY_FILE names ${file}, which has 11 bytes: use 32 random bytes or more`,
  );
});
