import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCli, type BuiltCli } from '../../scripts/cli/build.ts';
import { call, careen, ROOT, type Ended } from '../support/operator/careen-cli.ts';

let folder: string;
let empty: string;
let built: BuiltCli;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'careen-cli-test-'));
  empty = join(folder, 'empty');
  await mkdir(empty);
  built = await buildCli(join(folder, 'dist'));
}, 120_000);
afterAll(async () => rm(folder, { recursive: true, force: true }));

const PLAN = [
  ...['plan', '-f', join(ROOT, 'examples', 'patch-strategy.yaml')],
  ...['--fleet', join(ROOT, 'examples', 'fleet.yaml')],
];

/** Equal texts have equal widths. */
const environment = { COLUMNS: '100' };

/** Runs a program in an empty folder without any PATH or HOME: nothing that is installed can help it. */
async function alone(program: string, args: readonly string[]): Promise<Ended> {
  return call(program, args, { cwd: empty, environment });
}

async function inTheClone(args: readonly string[]): Promise<Ended> {
  return careen(args, { environment });
}

describe('the command line as one file', () => {
  it('runs with nothing around it, and leaves nothing', async () => {
    const { status, out, err } = await alone(built.executable, ['--help']);
    expect([status, err]).toEqual([0, '']);
    expect(out).toMatch(/^Usage: careen /);
    expect(await readdir(empty)).toEqual([]);
  });

  it('says what it says in a clone, with the same status', async () => {
    expect(await alone(built.executable, PLAN)).toEqual(await inTheClone(PLAN));
    const wrong = ['plan', '-f', '/no/such/file'];
    expect(await alone(built.executable, wrong)).toEqual(await inTheClone(wrong));
  });

  it('is a plugin of kubectl', async () => {
    expect(await alone(built.plugin, PLAN)).toEqual(await inTheClone(PLAN));
  });

  it('is a small file where there is Node 24', async () => {
    const script = join(folder, 'dist', 'careen.mjs');
    expect(await alone(process.execPath, [script, ...PLAN])).toEqual(await inTheClone(PLAN));
    expect((await stat(script)).size).toBeLessThan(5e6);
  });
});
