/**
 * The version stands in package.json. This names all other places where it is written and differs; with a version it
 * writes that into all of them.
 *
 *     npm run version:everywhere [-- 0.2.0]
 */
import { globSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VERSION } from '../src/crds/version.ts';

const ROOT = join(import.meta.dirname, '..');
const FILES = [
  'package.json',
  'package-lock.json',
  'charts/*/Chart.yaml',
  '{deploy,docs/guides,examples}/**/*.{yaml,md}',
];

/** What stands before the version. */
const BEFORE = [
  String.raw`"name": "careen",\s+"version": "`,
  String.raw`^version: `,
  String.raw`^appVersion: `,
  String.raw`app\.kubernetes\.io/version: `,
  String.raw`ghcr\.io/careen-dev/careen:`,
  String.raw`careen-dev/careen/(?:blob/)?v`,
  String.raw`\?ref=v`,
  String.raw`targetRevision: v`,
  String.raw`\btag: `,
  String.raw`\bcareen-`,
  String.raw`--version `,
];
const NUMBER = String.raw`\d+\.\d+\.\d+`;
const PLACE = new RegExp(`(?<=${BEFORE.join('|')})${NUMBER}`, 'gm');

export type Place = { readonly file: string; readonly version: string };

/** The versions that a text names as ours. */
export function versionsIn(text: string): string[] {
  return text.match(PLACE) ?? [];
}

/** All places in the repository. */
export async function versionPlaces(): Promise<Place[]> {
  const places = globSync(FILES, { cwd: ROOT }).map(async (file) =>
    versionsIn(await readFile(join(ROOT, file), 'utf8')).map((version) => ({ file, version })),
  );
  return (await Promise.all(places)).flat();
}

async function writeVersion(version: string): Promise<void> {
  for (const file of new Set((await versionPlaces()).map((place) => place.file))) {
    const text = await readFile(join(ROOT, file), 'utf8');
    await writeFile(join(ROOT, file), text.replace(PLACE, version));
    console.log(`${file}: ${version}`);
  }
}

async function main(): Promise<void> {
  const [version] = process.argv.slice(2);
  if (version !== undefined) {
    if (!new RegExp(`^${NUMBER}$`).test(version)) throw new Error(`${version} is no version such as 0.2.0`);
    await writeVersion(version);
    return;
  }
  const others = (await versionPlaces()).filter((place) => place.version !== VERSION);
  for (const place of others)
    console.error(`${place.file} has ${place.version}, package.json has ${VERSION}`);
  if (others.length > 0) process.exitCode = 1;
}

if (import.meta.main) await main();
