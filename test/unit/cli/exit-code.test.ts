import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EXIT_CODES } from '../../../src/cli/exit-code.ts';
import { careenProgram } from '../../../src/cli/program.ts';
import { keptIo } from '../../support/cli/kept-io.ts';
import { ROOT } from '../../support/operator/careen-cli.ts';

const page = readFileSync(join(ROOT, 'docs', 'reference', 'cli.md'), 'utf8');

it('every command is documented', () => {
  const documented = page.match(/^\| `[a-z].*?` \|/gm)?.join(' ') ?? '';
  const names = careenProgram(keptIo()).commands.map((each) => each.name());
  expect(names.filter((name) => !new RegExp(`\`${name}\\b`).test(documented))).toEqual([]);
});

it('every exit code is documented, with its meaning', () => {
  const rows = page.match(/^\| \d+ \| .* \|$/gm);
  expect(rows).toEqual(Object.values(EXIT_CODES).map(({ code, means }) => `| ${String(code)} | ${means} |`));
});
