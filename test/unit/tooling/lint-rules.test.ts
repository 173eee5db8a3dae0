import { join } from 'node:path';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';

// The files named here do not exist, and the rules under test need no types.
const eslint = new ESLint({
  cwd: join(import.meta.dirname, '..', '..', '..'),
  overrideConfig: [tseslint.configs.disableTypeChecked],
});

/** The rules that refuse this code in this file. A parse error counts as a rule, so it cannot pass for a refusal. */
async function refusals(file: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(`${code}\n`, { filePath: file });
  return (result?.messages ?? []).map(({ ruleId, message }) => ruleId ?? message);
}

const using = (specifier: string) => `import { thing } from '${specifier}';\nexport const it = thing;`;
const exporting = (expression: string) => `export const it = ${expression};`;

type Row = readonly [file: string, specifier: string];

describe('the direction of imports', () => {
  it.each<Row>([
    ['src/crds/a.ts', '../planner/b.ts'],
    ['src/crds/a.ts', '../telemetry/b.ts'],
    ['src/planner/a.ts', '../engine/b.ts'],
    ['src/planner/deep/a.ts', '../../controllers/b.ts'],
    ['src/planner/a.ts', '../main.ts'],
    ['src/engine/a.ts', '../hostops/b.ts'],
    ['src/engine/a.ts', './../hostops/b.ts'],
    ['src/engine/a.ts', '../planner/../hostops/b.ts'],
    ['src/engine/a.ts', '../../src/hostops/b.ts'],
    ['src/hostops/a.ts', '../controllers/b.ts'],
    ['src/hostops/kubernetes/a.ts', '../simulated/b.ts'],
    ['src/hostops/simulated/a.ts', '../kubernetes/b.ts'],
    ['src/hostops/simulated/a.ts', '../../controllers/b.ts'],
    ['src/controllers/a.ts', '../main.ts'],
    ['src/telemetry/a.ts', '../engine/b.ts'],
    ['src/kube/a.ts', '../crds/b.ts'],
    ['src/openstack/a.ts', '../kube/b.ts'],
    ['src/kube/a.ts', '../openstack/b.ts'],
    ['src/crds/a.ts', '../kube/b.ts'],
    ['src/engine/a.ts', '../status/b.ts'],
    ['src/status/a.ts', '../hostops/b.ts'],
    ['src/resources/a.ts', '../engine/b.ts'],
    ['src/resources/a.ts', '../controllers/b.ts'],
    ['src/leadership/a.ts', '../resources/b.ts'],
    ['src/hostops/a.ts', '../resources/b.ts'],
    ['src/hostops/a.ts', '../telemetry/b.ts'],
    ['src/hostops/jobs/a.ts', '../kubernetes/b.ts'],
    ['src/telemetry/a.ts', '../hostops/b.ts'],
    ['src/telemetry/a.ts', '../main.ts'],
    ['src/cli/a.ts', '../controllers/b.ts'],
    ['src/cli/a.ts', '../careen.ts'],
    ['src/cli/simulate/a.ts', '../../telemetry/b.ts'],
    ['src/cli/simulate/a.ts', '../../controllers/b.ts'],
    ['src/planner/a.ts', '../cli/b.ts'],
    ['src/hostops/a.ts', '../cli/b.ts'],
    ['src/controllers/a.ts', '../../test/support/b.ts'],
    ['src/tenants/a.ts', '../resources/b.ts'],
    ['src/tenants/a.ts', '../gateway/b.ts'],
    ['src/gateway/a.ts', '../controllers/b.ts'],
    ['src/engine/a.ts', '../tenants/b.ts'],
    ['src/tenants/cloud-event.ts', 'undici'],
    ['src/main.ts', '../scripts/b.ts'],
  ])('%s may not import %s', async (file, specifier) => {
    expect(await refusals(file, using(specifier))).toContain('no-restricted-imports');
  });

  it.each<Row>([
    ['src/crds/a.ts', './b.ts'],
    ['src/planner/a.ts', '../crds/b.ts'],
    ['src/planner/deep/a.ts', '../b.ts'],
    ['src/engine/a.ts', '../planner/b.ts'],
    ['src/hostops/a.ts', '../engine/b.ts'],
    ['src/hostops/kubernetes/a.ts', '../port.ts'],
    ['src/hostops/simulated/a.ts', '../../planner/b.ts'],
    ['src/hostops/kubernetes/a.ts', '../../kube/b.ts'],
    ['src/openstack/a.ts', '../http/b.ts'],
    ['src/hostops/kubernetes/a.ts', '../jobs/b.ts'],
    ['src/status/a.ts', '../engine/b.ts'],
    ['src/telemetry/a.ts', '../kube/b.ts'],
    ['src/controllers/a.ts', '../hostops/kubernetes/b.ts'],
    ['src/controllers/a.ts', '../telemetry/b.ts'],
    ['src/tenants/a.ts', '../engine/session/b.ts'],
    ['src/gateway/a.ts', '../tenants/b.ts'],
    ['src/controllers/a.ts', '../tenants/b.ts'],
    ['src/main.ts', './controllers/b.ts'],
    ['src/main.ts', './telemetry/b.ts'],
    ['src/careen.ts', './controllers/b.ts'],
    ['src/telemetry/a.ts', './b.ts'],
    ['src/cli/a.ts', '../planner/vim/b.ts'],
    ['src/cli/simulate/a.ts', '../../status/b.ts'],
    ['src/cli/a.ts', '../hostops/kubernetes/b.ts'],
    ['test/unit/a.test.ts', '../../src/planner/b.ts'],
  ])('%s may import %s', async (file, specifier) => {
    expect(await refusals(file, using(specifier))).toEqual([]);
  });

  it('holds for types, re-exports and dynamic imports too', async () => {
    const type = `import type { Thing } from '../hostops/b.ts';\nexport type It = Thing;`;
    expect(await refusals('src/engine/a.ts', type)).toEqual(['no-restricted-imports']);
    expect(await refusals('src/engine/a.ts', `export { thing } from '../hostops/b.ts';`)).toEqual([
      'no-restricted-imports',
    ]);
    expect(await refusals('src/engine/a.ts', exporting(`await import('../hostops/b.ts')`))).toEqual([
      'no-restricted-syntax',
    ]);
  });
});

describe.each([
  'src/crds/a.ts',
  'src/planner/a.ts',
  'src/engine/deep/a.ts',
  'src/status/a.ts',
  'src/leadership/lease-verdict.ts',
])('purity of %s', (file) => {
  it.each([
    '@kubernetes/client-node',
    'undici',
    'pino',
    'node:fs',
    'node:fs/promises',
    'fs',
    'node:net',
    'node:http',
    'node:https',
    'node:child_process',
    'node:timers/promises',
    'node:process',
    'node:perf_hooks',
  ])('refuses to import %s', async (specifier) => {
    expect(await refusals(file, using(specifier))).toContain('no-restricted-imports');
  });

  it.each([
    ['Date.now()', 'no-restricted-properties'],
    ['new Date()', 'no-restricted-syntax'],
    ['Date()', 'no-restricted-syntax'],
    ['Math.random()', 'no-restricted-properties'],
    ['process.pid', 'no-restricted-globals'],
    ['globalThis.setTimeout(run, 1)', 'no-restricted-globals'],
    ['setTimeout(run, 1)', 'no-restricted-globals'],
    ['setInterval(run, 1)', 'no-restricted-globals'],
    ['performance.now()', 'no-restricted-globals'],
    ['crypto.randomUUID()', 'no-restricted-globals'],
    ['AbortSignal.timeout(1)', 'no-restricted-properties'],
  ])('refuses %s', async (expression, rule) => {
    expect(await refusals(file, exporting(expression))).toEqual([rule]);
  });

  it('permits zod, a date made from an argument, and arithmetic', async () => {
    expect(await refusals(file, using('zod'))).toEqual([]);
    expect(await refusals(file, 'export const later = (now: number) => new Date(Math.max(now, 1));')).toEqual(
      [],
    );
  });
});

describe('tests', () => {
  const matching = (of: string): string => `expect({}).toMatchObject({ a: [{ b: ${of} }] });`;

  it('must not match a text with a regular expression that toMatchObject does not read', async () => {
    const read = matching('expect.stringMatching(/x/)');
    expect(await refusals('test/unit/a.test.ts', matching('/x/'))).toEqual(['no-restricted-syntax']);
    expect(await refusals('test/unit/a.test.ts', read)).toEqual([]);
  });
});

describe('digests', () => {
  it('are for crds and the planner, which may import createHash and nothing else of node:crypto', async () => {
    const digest = `import { createHash } from 'node:crypto';\nexport const it = createHash('sha256');`;
    expect(await refusals('src/crds/a.ts', digest)).toEqual([]);
    expect(await refusals('src/planner/a.ts', digest)).toEqual([]);
    expect(await refusals('src/engine/a.ts', digest)).toEqual(['no-restricted-imports']);
    expect(await refusals('src/planner/a.ts', digest.replaceAll('createHash', 'randomUUID'))).toEqual([
      'no-restricted-imports',
    ]);
  });
});

describe('the environment', () => {
  it('is read only by src/main.ts and src/careen.ts', async () => {
    const reading = exporting('process.env');
    for (const entry of ['src/main.ts', 'src/careen.ts']) expect(await refusals(entry, reading)).toEqual([]);
    expect(await refusals('src/controllers/a.ts', reading)).toEqual(['no-restricted-properties']);
    expect(await refusals('src/hostops/kubernetes/a.ts', 'export const { env } = process;')).toEqual([
      'no-restricted-properties',
    ]);
    expect(await refusals('src/controllers/a.ts', exporting('globalThis.process.env'))).toEqual([
      'no-restricted-properties',
    ]);
    expect(
      await refusals('src/telemetry/a.ts', `import { env } from 'node:process';\nexport const it = env;`),
    ).toEqual(['no-restricted-imports']);
  });
});

describe('escapes from the type checker', () => {
  it('are refused everywhere', async () => {
    expect(await refusals('test/unit/a.test.ts', 'export const it: any = 1;')).toEqual([
      '@typescript-eslint/no-explicit-any',
    ]);
    expect(await refusals('src/main.ts', 'export const it = (a?: string) => a!;')).toEqual([
      '@typescript-eslint/no-non-null-assertion',
    ]);
    expect(
      await refusals('src/main.ts', '// @ts-expect-error because of a good reason\nexport const it = 1;'),
    ).toEqual(['@typescript-eslint/ban-ts-comment']);
  });
});
