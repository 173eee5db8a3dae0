/** kubectl itself reads what test/unit/cli/yaml.test.ts says of it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FILES, REFUSED, VALUES } from '../support/cli/yaml-corpus.ts';
import { run } from '../support/controlplane/tools.ts';

const withContent = z.looseObject({ content: z.unknown() });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'careen-yaml-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The file with what makes an object of each document in it. */
function ofObjects(file: string): string {
  return file
    .replaceAll(/^(\uFEFF?)content/gm, '$1apiVersion: v1\nkind: A\nmetadata: {name: a}\ncontent')
    .replaceAll('"content"', '"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "content"');
}

/** The contents of the objects that kubectl reads in a file, without a server. */
async function readByKubectl(file: string): Promise<unknown[]> {
  const path = join(folder, 'file.yaml');
  await writeFile(path, ofObjects(file));
  const output = await run('kubectl', ['patch', '--local', '-f', path, '--type=merge', '-p={}', '-o=json']);
  return output
    .split(/(?<=^\}$)/m)
    .filter((each) => each.trim() !== '')
    .map((each) => withContent.parse(JSON.parse(each)).content);
}

describe('kubectl', () => {
  it('reads these values', async () => {
    const file = VALUES.map(([yaml]) => `content:\n  ${yaml}\n`).join('---\n');
    const read = await readByKubectl(file);
    expect(VALUES.map(([yaml], at) => [yaml, read[at]])).toEqual(VALUES.map(([...row]) => row));
  });

  it.each(FILES)('reads this file: %j', async (file, contents) => {
    expect(await readByKubectl(file)).toEqual(contents);
  });

  it.each(REFUSED)('refuses this file: %j', async (file) => {
    await expect(readByKubectl(file)).rejects.toThrow('error parsing');
  });
});
