/** Workflows of your own: real modules in a real folder, in threads. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadWorkflows, type OwnWorkflows } from '../../../src/controllers/session/load-workflows.ts';
import { workflowViolations } from '../../../src/planner/policy/session-policy.ts';
import { session, type SessionOperator } from '../session/simple-session.ts';

const EXAMPLES = join(import.meta.dirname, '../../../examples/workflows');
const said: string[] = [];
const log = {
  info: (_: unknown, text: string) => void said.push(text),
  warn: (_: unknown, text: string) => void said.push(text),
};

const folders: string[] = [];
afterEach(async () => {
  said.splice(0);
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** The workflows of a folder with one module, `own.mjs`. */
async function own(source: string, { file = 'own.mjs', answerMs = 5_000 } = {}): Promise<OwnWorkflows> {
  const folder = await mkdtemp(join(tmpdir(), 'careen-workflows-'));
  folders.push(folder);
  await writeFile(join(folder, file), source);
  return loadWorkflows(folder, log, answerMs);
}

const answering = (body: string): string =>
  `export const careenWorkflow = { apiVersion: 'v1alpha1', next(standing) { ${body} } };`;

/** How a session with this workflow ends, and what it did to hosts. */
async function ended(workflows: OwnWorkflows): Promise<SessionOperator> {
  const run = await session('own', { workflow: 'own' }, { workflows });
  await run.until(() => run.run.state !== 'ready-to-apply' && run.run.state !== 'applying');
  return run;
}

describe('a workflow of your own', () => {
  it('maintains one rack at a time, in the example', async () => {
    const workflows = await loadWorkflows(EXAMPLES, log);
    const racks = ['r1', 'r2', 'r1', 'r2'];
    const hosts = racks.map((rack, i) => ({ name: `w-${String(i)}`, labels: { 'example.com/rack': rack } }));
    const run = await session('racks', { workflow: 'by-rack' }, { workflows, hosts });
    await run.until(() => run.run.state === 'applied');
    expect(run.run.session?.state).toBe('MAINTENANCE_DONE');
    const worked = run.run.apply.stages
      .filter(({ level }) => level === 'away')
      .flatMap(({ hosts: of = [] }) => of);
    expect(worked).toEqual(['w-0', 'w-2', 'w-1', 'w-3']);
    expect(run.claimedAtEnd).toEqual([]);
  });

  it.each([
    ['throws', answering("throw new Error('no rack is known')"), 'no rack is known'],
    ['takes too long', answering('for (;;);'), 'it did not answer within 0.3 s'],
    ['answers nothing', answering(''), 'its answer cannot be read: it has no kind'],
    [
      'answers later',
      'export const careenWorkflow = { apiVersion: "v1alpha1", async next() { return { kind: "complete" } } }',
      'it has no kind',
    ],
    [
      'answers nonsense',
      answering("return { kind: 'go' }"),
      'its kind is "go", and must be round, complete, wait or failed',
    ],
    [
      'acts in a state that has no such act',
      answering("return { kind: 'round', state: 'SCALE_IN', acts: [{ do: 'maintain', host: 'w-1' }] }"),
      'its answer cannot be read: acts.0',
    ],
    [
      'names a host of others',
      answering(
        "return { kind: 'round', state: 'PLANNED_MAINTENANCE', acts: [{ do: 'empty', host: 'w-9' }] }",
      ),
      'its answer cannot be carried out: the session has no host w-9',
    ],
    ['fails the session', answering("return { kind: 'failed', reason: 'not today' }"), 'not today'],
    [
      'needs too much memory',
      answering('const all = []; for (;;) all.push(new Array(1e6).fill(0));'),
      'it did not answer',
    ],
    ['ends its thread', answering('process.exit(0)'), 'it did not answer'],
    [
      'is of another version',
      "export const careenWorkflow = { apiVersion: 'v9', next() {} };",
      'its apiVersion is "v9", and must be v1alpha1',
    ],
    ['exports nothing', 'export default 1;', 'it exports no careenWorkflow'],
    ['cannot be read', 'export const {', 'Unexpected'],
  ])('that %s fails the session, and touches nothing', async (_, source, why) => {
    const hangs = why.startsWith('it did not answer');
    const run = await ended(await own(source, hangs ? { answerMs: 300 } : {}));
    expect(run.run.state).toBe('apply-failed');
    expect(run.run.apply.reason).toContain(why);
    expect(run.run.session).toMatchObject({ state: 'MAINTENANCE_FAILED', closed: [] });
    expect(run.accepted).toEqual([]);
  });

  it('is asked again after a failure, in a thread that works', async () => {
    const workflows = await own(
      answering("if (standing.session.previousState === undefined) for (;;); return { kind: 'complete' };"),
      { answerMs: 1_000 },
    );
    const run = await ended(workflows);
    expect(run.run.state).toBe('apply-failed');
    run.requests = [{ id: 'q-1', verb: 'retry' }];
    await run.until(() => run.run.state === 'applied');
    expect(run.run.state).toBe('applied');
  });

  it('takes no name of a workflow of Careen', async () => {
    expect([...(await own(answering('return 1'), { file: 'default.mjs' })).keys()]).toEqual([]);
    expect(said.join()).toContain('not loaded');
  });

  it('needs the leave of the pool', () => {
    const pool = (workflows?: string[]) => ({ name: 'gpu', actionPolicy: workflows ? { workflows } : {} });
    expect(workflowViolations({ workflow: 'vnf' }, pool())).toEqual([]);
    expect(workflowViolations({ workflow: 'by-rack' }, pool(['by-rack']))).toEqual([]);
    expect(workflowViolations({ workflow: 'by-rack' }, pool())).toEqual([
      'spec.workflow is "by-rack", which rule actionPolicy.workflows of HostPool gpu does not admit; use default, vnf, ' +
        'kubernetes',
    ]);
  });
});
