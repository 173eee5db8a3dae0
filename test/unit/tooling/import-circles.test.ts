import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const PROGRAM = join(ROOT, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruiser.mjs');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'careen-circle-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function lint(files: Readonly<Record<string, string>>): { status: number | null; out: string } {
  for (const [name, code] of Object.entries(files)) writeFileSync(join(folder, name), code);
  const config = join(ROOT, '.dependency-cruiser.js');
  const args = [PROGRAM, folder, '--config', config, '--output-type', 'err'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  return { status, out: stdout + stderr };
}

describe('lint', () => {
  it('refuses files that import each other, also where only types are imported', () => {
    const { status, out } = lint({
      'a.ts': `import type { B } from './b.ts';\nexport type A = { b: B };\n`,
      'b.ts': `import type { A } from './a.ts';\nexport type B = { a?: A };\n`,
    });
    expect(out).toContain('error no-circle');
    expect(status).not.toBe(0);
  });

  it('permits a file that only one of two imports', () => {
    const { status } = lint({
      'a.ts': `import type { B } from './b.ts';\nexport type A = B;\n`,
      'b.ts': 'export type B = 1;\n',
    });
    expect(status).toBe(0);
  });
});
