/**
 * Checks the packages in package-lock.json: their licences against a list of allowed ones, and their versions against
 * known vulnerabilities. `npm audit` is asked where a registry answers it. Where none does, the advisories in
 * dependencies.json count, and packages are named that no check has seen; that alone is no failure.
 * `--record` writes to dependencies.json which versions were checked, when, and against what.
 */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const root = join(import.meta.dirname, '..');
const RECORD = join(import.meta.dirname, 'dependencies.json');
const AUDIT_MILLISECONDS = 20_000;

const ALLOWED = new Set([
  ...[
    'MIT',
    'ISC',
    'Apache-2.0',
    'BSD-2-Clause',
    'BSD-3-Clause',
    '0BSD',
    'BlueOak-1.0.0',
    'Unlicense',
    'PSF-2.0',
  ],
]);
/** Allowed besides, for tools that are not part of the operator. */
const ALLOWED_FOR_TOOLS = new Set(['MPL-2.0', 'CC-BY-4.0']);

const entry = z.looseObject({
  name: z.string().optional(),
  version: z.string().optional(),
  license: z.string().optional(),
  dev: z.boolean().default(false),
});
const lockSchema = z.looseObject({ packages: z.record(z.string(), entry) });
export type Package = {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly dev: boolean;
};

const advisory = z.strictObject({
  package: z.string(),
  /** The first vulnerable version; absent: all before `fixed`. */
  from: z.string().optional(),
  fixed: z.string(),
  id: z.string(),
});
export type Advisory = z.infer<typeof advisory>;
const recordSchema = z.strictObject({
  checked: z.strictObject({ at: z.string(), against: z.string(), packages: z.array(z.string()) }),
  advisories: z.array(advisory),
});
type Checked = z.infer<typeof recordSchema>;

/** The packages of a lockfile, without the project itself. */
export function packagesIn(lock: unknown): Package[] {
  return Object.entries(lockSchema.parse(lock).packages)
    .filter(([path]) => path !== '')
    .map(([path, { name, version = '', license = '', dev }]) => ({
      name: name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      ...{ version, licence: license, dev },
    }));
}

/** One sentence for each package whose licence is not allowed. */
export function licenceProblems(packages: readonly Package[]): string[] {
  return packages
    .filter(({ licence, dev }) => !isAllowed(licence, dev))
    .map(({ name, version, licence, dev }) => {
      const what = licence === '' ? 'names no licence' : `has the licence ${licence}`;
      const where = dev ? 'for tools' : 'for the operator';
      return `${name}@${version} ${what}, which is not allowed ${where}: use another package, or add it to scripts/dependencies.ts`;
    });
}

/** Of alternatives one is enough; of licences that all apply, each must be allowed. */
function isAllowed(licence: string, dev: boolean): boolean {
  const allows = (name: string): boolean => ALLOWED.has(name) || (dev && ALLOWED_FOR_TOOLS.has(name));
  const alternatives = licence.replaceAll(/[()]/g, '').split(' OR ');
  return alternatives.some((each) => each.split(' AND ').every(allows));
}

/** One sentence for each package with a version that an advisory names. */
export function vulnerable(packages: readonly Package[], advisories: readonly Advisory[]): string[] {
  return packages.flatMap(({ name, version }) =>
    advisories
      .filter(
        (each) =>
          each.package === name && isBefore(version, each.fixed) && !isBefore(version, each.from ?? '0'),
      )
      .map(({ id, fixed }) => `${name}@${version} has the vulnerability ${id}: use ${fixed} or later`),
  );
}

function isBefore(version: string, other: string): boolean {
  const [left, right] = [version, other].map((each) => each.split(/[.+-]/).slice(0, 3).map(Number));
  for (const at of [0, 1, 2]) {
    const [a = 0, b = 0] = [left?.[at], right?.[at]];
    if (a !== b) return a < b;
  }
  // A version before a release, such as 2.0.0-rc.1.
  return version.includes('-') && !other.includes('-');
}

const auditSchema = z.looseObject({
  vulnerabilities: z.record(
    z.string(),
    z.looseObject({
      severity: z.string(),
      via: z.array(
        z.union([z.string(), z.looseObject({ title: z.string(), url: z.string(), range: z.string() })]),
      ),
    }),
  ),
});

/** The vulnerabilities in the output of `npm audit --json`; undefined when it is no answer of a registry. */
export function vulnerableByAudit(output: string): string[] | undefined {
  const parsed = auditSchema.safeParse(jsonIn(output));
  if (!parsed.success) return undefined;
  return Object.entries(parsed.data.vulnerabilities)
    .filter(([, { severity }]) => severity !== 'low' && severity !== 'info')
    .flatMap(([name, { via }]) =>
      via.flatMap((each) =>
        typeof each === 'string'
          ? []
          : [`${name} ${each.range} has a vulnerability: ${each.title} (${each.url})`],
      ),
    );
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The packages whose version no check has seen. */
export function unseen(packages: readonly Package[], checked: readonly string[]): string[] {
  const seen = new Set(checked);
  return names(packages).filter((name) => !seen.has(name));
}

function names(packages: readonly Package[]): string[] {
  return [...new Set(packages.map(({ name, version }) => `${name}@${version}`))].sort();
}

async function askRegistry(): Promise<string[] | undefined> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const args = ['audit', '--json', '--package-lock-only', '--fetch-retries=0', '--fetch-timeout=10000'];
  execFile('npm', args, { cwd: root, timeout: AUDIT_MILLISECONDS }, (_error, out) => resolve(out));
  return vulnerableByAudit(await promise);
}

async function main(): Promise<void> {
  const packages = packagesIn(JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')));
  const record = recordSchema.parse(JSON.parse(await readFile(RECORD, 'utf8')));
  const audited = await askRegistry();
  const problems = [
    ...licenceProblems(packages),
    ...(audited ?? []),
    ...vulnerable(packages, record.advisories),
  ];
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else if (process.argv.includes('--record')) await writeRecord(packages, record, audited !== undefined);
  else if (audited === undefined) sayWhatIsUnseen(packages, record);
  console.log(`${String(packages.length)} packages, ${String(problems.length)} problems`);
}

function sayWhatIsUnseen(packages: readonly Package[], { checked }: Checked): void {
  const left = unseen(packages, checked.packages);
  console.log(`no registry answers npm audit; last checked on ${checked.at} against ${checked.against}`);
  if (left.length > 0) console.log(`warning: never checked: ${left.join(', ')}`);
}

async function writeRecord(packages: readonly Package[], record: Checked, isAudited: boolean): Promise<void> {
  const against = isAudited ? 'npm audit' : 'the advisories in scripts/dependencies.json';
  const checked = { at: new Date().toISOString().slice(0, 10), against, packages: names(packages) };
  await writeFile(RECORD, `${JSON.stringify({ ...record, checked }, null, 2)}\n`);
}

if (import.meta.main) await main();
