import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..', '..');
const text = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');

describe('the way through one pass in CONTRIBUTING.md', () => {
  const [, section = ''] = /\n## One pass, file by file\n([^]*?)\n## /.exec(text) ?? [];
  const files = [...section.matchAll(/^\d+\. `([^`]+)`/gm)].map(([, file = '']) => file);

  it('names at most 14 files, and only existing ones', () => {
    expect(files.length).toBeGreaterThan(5);
    expect(files.length).toBeLessThanOrEqual(14);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });
});
