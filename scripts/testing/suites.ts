/**
 * Which suites of tests there are, what they need, and how long they may take.
 *
 * A new suite: a row in SUITES and a project in vitest.config.ts.
 */
import { existsSync, globSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ARGOCD } from '../../test/argocd/harness/programs.ts';
import { CONTROL_PLANE } from '../../test/support/controlplane/binaries.ts';
import { goBinaries, type GoBuild } from '../../test/support/controlplane/go-binaries.ts';
import { JUDGE } from '../../test/support/controlplane/judge.ts';
import { TOOLS } from '../../test/support/controlplane/tool-binaries.ts';
import { installOpenStack } from '../../test/support/openstack/installation.ts';

export const ROOT = join(import.meta.dirname, '..', '..');

/** Built or installed once per machine; found in the cache afterwards. */
export type Programs = {
  readonly name: string;
  readonly shareMinutes: number;
  /** Makes them if they are not there, and returns their folder. */
  readonly build: () => Promise<string>;
};
const CONTROL_PLANE_PROGRAMS = goPrograms(CONTROL_PLANE, 7);
const JUDGE_PROGRAM = goPrograms(JUDGE, 2);
const ARGOCD_PROGRAMS = goPrograms(ARGOCD, 15);
const TOOL_PROGRAMS = goPrograms(TOOLS, 4);
const OPENSTACK_PROGRAMS: Programs = { name: 'openstack', shareMinutes: 4, build: installOpenStack };

function goPrograms(build: GoBuild, shareMinutes: number): Programs {
  return { name: build.name, shareMinutes, build: () => goBinaries(build) };
}

/** A suite, and the programs that it runs. */
export type Suite = {
  readonly name: string;
  /** What its files may take together before the table warns about it. */
  readonly shareMinutes: number;
  readonly needs: readonly Programs[];
  /** Whether it mostly waits for servers of its own: suites that do run beside each other. */
  readonly waits?: boolean;
  /** Whether it runs only when it is named: it takes long and finds little, or needs root. */
  readonly long?: boolean;
};

/** In the order they run. */
export const SUITES: readonly Suite[] = [
  { name: 'unit', shareMinutes: 1, needs: [] },
  { name: 'simulation', shareMinutes: 1, needs: [] },
  { name: 'standin', shareMinutes: 1, needs: [CONTROL_PLANE_PROGRAMS], waits: true },
  { name: 'contract', shareMinutes: 0.5, needs: [CONTROL_PLANE_PROGRAMS], waits: true },
  { name: 'integration', shareMinutes: 8, needs: [CONTROL_PLANE_PROGRAMS], waits: true },
  { name: 'e2e', shareMinutes: 13, needs: [CONTROL_PLANE_PROGRAMS], waits: true },
  { name: 'gitops', shareMinutes: 2, needs: [CONTROL_PLANE_PROGRAMS, JUDGE_PROGRAM], waits: true },
  { name: 'chart', shareMinutes: 2, needs: [CONTROL_PLANE_PROGRAMS, TOOL_PROGRAMS], waits: true },
  { name: 'long', shareMinutes: 10, needs: [CONTROL_PLANE_PROGRAMS, TOOL_PROGRAMS], long: true },
  { name: 'argocd', shareMinutes: 16, needs: [CONTROL_PLANE_PROGRAMS, ARGOCD_PROGRAMS], long: true },
  { name: 'image', shareMinutes: 2, needs: [CONTROL_PLANE_PROGRAMS], long: true },
  { name: 'openstack', shareMinutes: 8, needs: [CONTROL_PLANE_PROGRAMS, OPENSTACK_PROGRAMS], long: true },
  { name: 'run-wide', shareMinutes: 0.1, needs: [] }, // last: judges by what the others did
];
/** For everything that runs without being named, by the clock, when all programs are built. */
export const TOTAL_SHARE_MINUTES = 16;

/** Whether these are all suites that run without being named. */
export function isWhole(suites: readonly Suite[]): boolean {
  return SUITES.every((suite) => suite.long === true || suites.includes(suite));
}

/** The suites of these names, or all that need not be named; tests that no suite would run are an error. */
export function selectSuites(names: readonly string[]): readonly Suite[] {
  const known = SUITES.map(({ name }) => name);
  const stray = globSync('test/**/*.test.ts', { cwd: ROOT }).filter(
    (file) => !known.includes(file.split('/')[1] ?? ''),
  );
  if (stray.length > 0)
    throw new UsageError(`no suite in scripts/testing/suites.ts runs ${stray.join(', ')}`);

  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new UsageError(`there is no suite ${unknown.join(', ')}; the suites are ${known.join(', ')}`);

  const empty = SUITES.filter((suite) => !exists(suite)).map(({ name }) => name);
  if (empty.length > 0) throw new UsageError(`test/${empty.join(', test/')} has no tests`);
  return SUITES.filter(({ name, long }) => (names.length === 0 ? !long : names.includes(name)));
}

/** Git keeps no empty folders, so an empty one is none. */
function exists({ name }: Suite): boolean {
  const folder = join(ROOT, 'test', name);
  return existsSync(folder) && readdirSync(folder).length > 0;
}

/** The suites in turns: those of a turn run beside each other, the turns one after another. */
export function turnsOf(suites: readonly Suite[]): readonly (readonly Suite[])[] {
  const turns: Suite[][] = [];
  for (const suite of suites) {
    const last = turns.at(-1);
    if (suite.waits && last?.at(-1)?.waits) last.push(suite);
    else turns.push([suite]);
  }
  return turns;
}

export class UsageError extends Error {
  override readonly name = 'UsageError';
}
