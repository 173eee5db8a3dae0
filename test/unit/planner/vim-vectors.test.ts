import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkVectors, emitVectors } from '../../../src/cli/vectors/vectors.ts';
import { buildVim } from '../../../src/planner/vim/build.ts';
import { buildDocument } from '../../../src/planner/vim/build-document.ts';
import { parseRequest } from '../../../src/planner/vim/request.ts';

const VECTORS = join(import.meta.dirname, '..', '..', 'vectors');
const recorded = z.object({
  name: z.string(),
  kind: z.string(),
  profile: z.string(),
  category: z.string(),
  inputs: z.record(z.string(), z.unknown()),
  expected: z.record(z.string(), z.unknown()),
});
const LIFECYCLES = 38;
const SESSIONS = 15;
const all = globSync('vim/*.json', { cwd: VECTORS })
  .toSorted()
  .map((file) => recorded.parse(JSON.parse(readFileSync(join(VECTORS, file), 'utf8'))));

describe('the recorded plans', () => {
  it('are all there', () => {
    expect(all).toHaveLength(206);
  });

  it.each(all.map((vector) => [vector.name, vector] as const))(
    '%s',
    (_, { kind, profile, inputs, expected }) => {
      const { operations: _later, final: _end, ...build } = expected;
      expect(buildDocument(buildVim(profile, parseRequest(kind, inputs)))).toEqual(build);
    },
  );
});

describe('careen vectors', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'careen-vectors-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** The output and the exit status of the command. */
  async function run(command: typeof checkVectors, ...paths: string[]) {
    const lines: { out: string[]; err: string[] } = { out: [], err: [] };
    const status = await command(paths, {
      out: (line) => lines.out.push(line),
      err: (line) => lines.err.push(line),
    });
    return { status, ...lines };
  }

  const SAMPLE = JSON.stringify(all.find(({ name }) => name === 'patch-swift-serial'));

  /** A file with a recorded case of another name, in which each first text is replaced by the one after it. */
  async function altered(name: string, ...replacements: string[]): Promise<string> {
    let text = SAMPLE.replace('patch-swift-serial', name);
    for (let i = 0; i < replacements.length; i += 2) {
      const [from = '', to = ''] = replacements.slice(i);
      expect(text).toContain(from);
      text = text.replace(from, to);
    }
    const path = join(folder, `${name}.json`);
    await writeFile(path, text);
    return path;
  }

  it('plays every file below a folder and counts the unplayable ones', async () => {
    const skipped = globSync('fenix/http*.json', { cwd: VECTORS }).length;
    const { status, out } = await run(checkVectors, VECTORS);
    expect([status, out]).toEqual([
      0,
      [
        'live-migrate deviates by design: LIVE_MIGRATE is offered and then fails the session',
        `${String(all.length + SESSIONS - 1)} passed, 0 failed, ${String(skipped)} skipped, 1 deviating by design`,
      ],
    ]);
    expect(all.filter(({ category }) => category === 'lifecycle')).toHaveLength(LIFECYCLES);
  });

  it('names the first differing path of a case that fails', async () => {
    const other = await altered('other-timeout', '"timeout":4636', '"timeout":1');
    const { status, out } = await run(checkVectors, other, join(VECTORS, 'vim/patch-swift-serial.json'));
    expect(status).toBe(1);
    expect(out).toEqual([
      'failed other-timeout: apply-phase.stages[0].timeout is 4636, expected 1',
      '1 passed, 1 failed',
    ]);
  });

  it('fails a case with bad input, and one without an expected outcome', async () => {
    const bad = await altered('bad', '"profile":"vim-2024"', '"profile":"vim-1999"');
    const open = await altered('open', '"expected":', '"recorded":');
    expect((await run(checkVectors, bad, open)).out).toEqual([
      'failed bad: profile is "vim-1999": no profile of this name has sw-patch; use vim-2017, vim-2020, vim-2024',
      'failed open: it has no `expected` to compare with',
      '0 passed, 2 failed',
    ]);
    expect(await run(emitVectors, open, bad)).toMatchObject({ status: 1, out: [{}], err: [{}] });
  });

  it('names the first operation after which a strategy differs, and an unknown operation', async () => {
    const lifecycle = JSON.stringify(all.find(({ name }) => name === 'lifecycle-failure-in-first-step'));
    const other = join(folder, 'other-end.json');
    const unknown = join(folder, 'unknown-operation.json');
    await writeFile(other, lifecycle.replace('"state":"aborted"', '"state":"aborting"'));
    await writeFile(unknown, lifecycle.replace('"op":"fail-step"', '"op":"dance"'));
    const { out } = await run(checkVectors, other, unknown);
    expect(out[0]).toBe(
      'failed lifecycle-failure-in-first-step: operations[1].after.state is "aborted", expected "aborting"',
    );
    expect(out[1]).toMatch(
      /^failed .*unknown-operation.json: not a complete vector: inputs.operations.1.op: /,
    );
  });

  it('counts a difference from a recorded known defect separately', async () => {
    const defect = '"knownDefect":"it gets stuck","profile":';
    const same = await altered('same', '"profile":', defect);
    const better = await altered(
      'better',
      '"profile":',
      defect,
      '"state":"ready-to-apply"',
      '"state":"stuck"',
    );
    expect(await run(checkVectors, same, better)).toMatchObject({
      status: 0,
      out: ['better deviates by design: it gets stuck', '1 passed, 0 failed, 1 deviating by design'],
    });
  });

  it('fails for a missing path, for text that is no JSON, and for a named file that is no vector', async () => {
    const text = join(folder, 'text.json');
    const other = join(folder, 'other.json');
    await writeFile(text, '{');
    await writeFile(other, '{"inputs":{}}');
    const missing = join(folder, 'missing');
    const { status, out } = await run(
      checkVectors,
      missing,
      text,
      other,
      join(VECTORS, '..', '..', 'package.json'),
    );
    expect(status).toBe(1);
    expect(out.map((line) => line.replace(/^failed \S+\/(\S+): (\w+ \w+).*/, '$1 $2'))).toEqual([
      'missing there is',
      'text.json it cannot',
      'other.json not a',
      'package.json no plan',
      '0 passed, 4 failed',
    ]);
  });

  it('is a command that exits with the status', async () => {
    const program = join(VECTORS, '..', '..', 'bin', 'careen');
    const careen = (path: string) => promisify(execFile)(program, ['vectors', path]);
    const good = await careen(join(VECTORS, 'vim', 'patch-swift-serial.json'));
    expect(good.stdout).toBe('1 passed, 0 failed\n');
    await expect(careen(join(folder, 'missing'))).rejects.toMatchObject({ code: 1, stderr: '' });
  }, 60_000);

  it('emits the computed results, one document a line', async () => {
    const files = ['patch-swift-serial', 'patch-fail-no-patches', 'lifecycle-degraded-step'];
    const { status, out, err } = await run(
      emitVectors,
      ...files.map((name) => join(VECTORS, 'vim', `${name}.json`)),
    );
    const expected = files.map((name) => all.find((each) => each.name === name));
    expect(status).toBe(0);
    expect(out.map((line): unknown => JSON.parse(line))).toEqual(
      expected.map((each) => ({ name: each?.name, actual: each?.expected })),
    );
    expect(err).toEqual([]);
  });
});
