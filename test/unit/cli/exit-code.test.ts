import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EXIT_CODES } from '../../../src/cli/exit-code.ts';
import { ROOT } from '../../support/operator/careen-cli.ts';

it('every exit code is documented, with its meaning', () => {
  const page = readFileSync(join(ROOT, 'docs', 'reference', 'cli.md'), 'utf8');
  const rows = page.match(/^\| \d+ \| .* \|$/gm);
  expect(rows).toEqual(Object.values(EXIT_CODES).map(({ code, means }) => `| ${String(code)} | ${means} |`));
});
