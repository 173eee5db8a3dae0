import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CONTROL_PLANE } from '../../support/controlplane/binaries.ts';

/** The version of each module that a go.mod requires, after its replacements. */
async function versions(module: string): Promise<Map<string, string>> {
  const text = await readFile(join(CONTROL_PLANE.sources, module, 'go.mod'), 'utf8');
  const required = text.matchAll(/^\t(\S+) (v\S+)/gm);
  const replaced = text.matchAll(/^(?:replace |\t)(\S+) => \S+ (v\S+)/gm);
  return new Map([...required, ...replaced].map(([, name = '', version = '']) => [name, version]));
}

it('kwok has the modules of the control plane in the same versions, so that they are compiled once', async () => {
  const [plane, kwok] = [await versions('controlplane'), await versions('kwok')];
  const shared = [...kwok].filter(([name]) => plane.has(name));
  expect(shared.length).toBeGreaterThan(50);
  expect(shared.filter(([name, version]) => plane.get(name) !== version)).toEqual([]);
});
