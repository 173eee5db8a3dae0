/** Simulations for the tests of `careen simulate`: of the example, or of files made for one test. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { onTestFinished } from 'vitest';
import { simulate, type SimulateOptions } from '../../../src/cli/commands/simulate.ts';
import { EXIT_CODES } from '../../../src/cli/exit-code.ts';
import type { Simulation } from '../../../src/cli/simulate/simulation.ts';
import { keptIo } from '../../support/cli/kept-io.ts';
import { ROOT } from '../../support/operator/careen-cli.ts';
import type { Manifest } from '../../support/controlplane/apply.ts';
import { sessionManifest, strategyManifest } from '../../support/operator/strategies.ts';

type Fields = Readonly<Record<string, unknown>>;
export type Options = Partial<SimulateOptions>;

export const EXAMPLES = {
  filename: join(ROOT, 'examples', 'patch-strategy.yaml'),
  fleet: join(ROOT, 'examples', 'fleet.yaml'),
};
export const WIDTH = 80;
export const OLD = { nodeInfo: { kernelVersion: '6.12.41', kubeletVersion: 'v1.36.3' } };

/** The output of the command, by default for the example. */
export async function printed(options: Options = {}, width = WIDTH) {
  const io = keptIo({ width });
  const exit = await simulate({ ...EXAMPLES, output: 'table', ...options }, io);
  return { status: EXIT_CODES[exit].code, out: io.printed };
}

export async function simulated(options: Options = {}): Promise<Simulation> {
  const { out } = await printed({ ...options, output: 'json' });
  // A cast: the result of JSON.parse has no type.
  return JSON.parse(out) as Simulation;
}

/** Files with a strategy that takes ten workers at once, and the hosts of a pool, until the test ends. */
export async function inputs(
  spec: Fields,
  hosts: readonly Fields[],
  pool: Fields = {},
  namespace = 'careen-hosts',
) {
  const parallel = { workerApplyType: 'parallel', maxParallelWorkerHosts: 10 };
  return filesOf(strategyManifest('kernel', namespace, { ...parallel, ...spec }), hosts, pool);
}

/** Files with a session, and the hosts of a pool, until the test ends. */
export async function sessionInputs(spec: Fields, hosts: readonly Fields[], pool: Fields = {}) {
  return filesOf(sessionManifest('racks', spec), hosts, pool);
}

async function filesOf(manifest: Manifest, hosts: readonly Fields[], pool: Fields) {
  const fleet = {
    ...{ apiVersion: 'careen.dev/v1alpha1', kind: 'Fleet', hosts },
    pool: { name: 'default', spec: { provider: { kubernetes: {} }, maxUnavailable: 10, ...pool } },
  };
  const cwd = await mkdtemp(join(tmpdir(), 'careen-simulate-'));
  onTestFinished(() => rm(cwd, { recursive: true, force: true }));
  const files = { filename: join(cwd, 'strategy.yaml'), fleet: join(cwd, 'fleet.yaml') };
  await writeFile(files.filename, dump(manifest));
  await writeFile(files.fleet, dump(fleet));
  return files;
}

/** Workers w-1, w-2, … that lack every patch. */
export function workers(count: number): Fields[] {
  return Array.from({ length: count }, (_, at) => ({ name: `w-${String(at + 1)}`, ...OLD }));
}

/** The fate of the hosts that are left, by name. */
export function leftIn({ left }: Simulation): Readonly<Record<string, string>> {
  return Object.fromEntries(left.map(({ name, state }) => [name, state]));
}

export function stepsOf({ stages }: Simulation, host: string) {
  return stages.flatMap(({ hosts }) =>
    hosts.filter(({ name }) => name === host).flatMap(({ steps }) => steps),
  );
}

/** The longest line of the chart, its title line included. */
export function chartWidth(out: string): number {
  const chart = out.slice(out.indexOf('STAGE')).split('\n\n')[0] ?? '';
  return Math.max(...chart.split('\n').map(({ length }) => length));
}
