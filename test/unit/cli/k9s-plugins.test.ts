import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { situationOf } from '../../../src/cli/completion/situation.ts';
import { careenProgram } from '../../../src/cli/program.ts';
import { keptIo } from '../../support/cli/kept-io.ts';
import { ROOT } from '../../support/operator/careen-cli.ts';

/** The fields that k9s knows (its schema of plugins), as far as we use them. */
const file = z.strictObject({
  plugins: z.record(
    z.string(),
    z.strictObject({
      shortCut: z.string().regex(/^Shift-[A-Z]$/),
      description: z.string(),
      scopes: z.array(z.string()).min(1),
      command: z.string(),
      args: z.array(z.string()),
      background: z.boolean(),
      confirm: z.boolean().optional(),
      dangerous: z.boolean().optional(),
    }),
  ),
});

const { plugins } = file.parse(load(readFileSync(join(ROOT, 'contrib', 'k9s', 'plugins.yaml'), 'utf8')));
const program = careenProgram(keptIo());
const READING = ['status', 'watch', 'explain'];

describe('the plugins of k9s', () => {
  it('have keys of their own', () => {
    const keys = Object.values(plugins).map(({ shortCut }) => shortCut);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it.each(Object.entries(plugins))(
    '%s calls a command that exists, and asks before it acts',
    (_name, plugin) => {
      const line =
        plugin.command === 'careen' ? ['careen', ...plugin.args] : (plugin.args[1] ?? '').split(' ');
      const [called, ...words] = line.slice(0, line.includes('2>&1') ? line.indexOf('2>&1') : undefined);
      expect(called).toBe('careen');
      const { command, given } = situationOf(program, [...words, '']);
      expect(command.name()).toBe(words[0]);
      expect(given).toHaveProperty('context', '$CONTEXT');
      expect(plugin.confirm ?? false).toBe(!READING.includes(words[0] ?? ''));
    },
  );
});
