/** The workflows of GitHub in their own linter, and what it does not judge. */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, run } from '../support/controlplane/tools.ts';

const files = globSync('.github/workflows/*.yaml', { cwd: ROOT });

/** Without the linters of other languages that may be installed: equal results on all machines. */
async function lint(file: string, text = ''): Promise<string> {
  return run('actionlint', ['-shellcheck=', '-pyflakes=', '-no-color', file], text);
}

describe('a workflow', () => {
  it.each(files)('%s has no fault that actionlint finds', async (file) => {
    expect(await lint(join(ROOT, file))).toBe('');
  });

  it('with a fault is refused', async () => {
    const text = await readFile(join(ROOT, files[0] ?? ''), 'utf8');
    await expect(lint('-', text.replace('needs: build', 'needs: bulid'))).rejects.toThrow(/bulid/);
  });

  it.each(files)('%s pins actions by commits, and grants nothing to all jobs', async (file) => {
    const text = await readFile(join(ROOT, file), 'utf8');
    const actions = [...text.matchAll(/uses: (\S+)(.*)$/gm)].map(
      ([, action = '', version = '']) => action + version,
    );
    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    expect(text).toMatch(/^permissions: \{\}$/m);
  });
});
