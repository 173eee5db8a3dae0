import { describe, expect, it } from 'vitest';
import type { Leader } from '../../../src/cli/cluster/leader.ts';
import { findStrategy } from '../../../src/cli/cluster/strategies.ts';
import { CommandError } from '../../../src/cli/command-error.ts';
import { askFor } from '../../../src/cli/requests/ask-for.ts';
import type { Wish } from '../../../src/cli/requests/request.ts';
import { causeIn } from '../../../src/cli/requests/silence.ts';
import type { AnsweredRequest } from '../../../src/crds/observed/answered-request.ts';
import { parseAbort, parseRequest } from '../../../src/crds/observed/request.ts';
import type { ApiObject } from '../../simulation/world/objects.ts';
import { keptIo } from '../../support/cli/kept-io.ts';
import { ClusterInMemory, forbidden, type StrategyParts } from '../support/cluster-in-memory.ts';

const REQUEST = 'careen.dev/request';
const ABORT = 'careen.dev/abort';
const time = '2026-11-27T09:00:00Z';

function cluster(parts?: StrategyParts): ClusterInMemory {
  const made = new ClusterInMemory();
  made.strategy('kernel', parts);
  return made;
}

/** An operator that gives every new request this answer. */
function answering(on: ClusterInMemory, answer: AnsweredRequest['answer'], message: string): void {
  on.server.listen(({ object, by }) => {
    const annotations = annotationsOf(object);
    const [request, abort] = [annotations[REQUEST], annotations[ABORT]];
    if (by === 'operator') return;
    const placed =
      abort === undefined ? parseRequest(request ?? '') : { verb: 'abort', ...parseAbort(abort) };
    const { id } = placed;
    const requests = [{ id, verb: 'verb' in placed ? placed.verb : '', answer, message, time }];
    queueMicrotask(() => on.change('kernel', (each) => ({ ...each, status: { ...each.status, requests } })));
  });
}

function annotationsOf({ metadata }: ApiObject): Readonly<Record<string, string>> {
  return metadata.annotations ?? {};
}

function annotate(on: ClusterInMemory, annotations: Record<string, string>): void {
  on.change('kernel', (each) => ({ ...each, metadata: { ...each.metadata, annotations } }));
}

async function asked(on: ClusterInMemory, wish: Wish, more: { wait?: boolean; json?: true } = {}) {
  const io = keptIo({ environment: { USER: 'jane' } });
  const located = await findStrategy(on.connection, 'kernel', io.note);
  const output = more.json ? 'json' : 'table';
  const options = { timeout: 0.05, wait: more.wait ?? true, output } as const;
  const exit = await askFor(on.connection, located, wish, options, io);
  return { exit, said: io.printed.replaceAll(/jane-\d{8}-\d{6}-\w{4}/g, 'ID') };
}

async function refusal(on: ClusterInMemory, wish: Wish): Promise<string> {
  const error: unknown = await asked(on, wish).catch((each: unknown) => each);
  expect(error).toBeInstanceOf(CommandError);
  return error instanceof Error ? error.message : '';
}

const APPLY: Wish = { verb: 'apply-all' };

describe('a request', () => {
  it.each<[Wish, string, object | string]>([
    [APPLY, REQUEST, { verb: 'apply-all' }],
    [
      { verb: 'apply-stage', stage: 2, plan: 'sha256:0' },
      REQUEST,
      { verb: 'apply-stage', stage: 2, plan: 'sha256:0' },
    ],
    [{ verb: 'release-host', host: 'w-1' }, REQUEST, { verb: 'release-host', host: 'w-1' }],
    [{ verb: 'abort' }, ABORT, ''],
    [{ verb: 'abort', stage: 3 }, ABORT, '/3'],
  ])('%j is placed in its annotation, with a fresh id', async (wish, annotation, value) => {
    const on = cluster();
    await asked(on, wish, { wait: false });
    const first = annotationsOf(on.stored('kernel'))[annotation] ?? '';
    if (typeof value === 'string') expect(first).toMatch(new RegExp(`^jane-[\\w-]+${value}$`));
    else expect(parseRequest(first)).toEqual({ ...value, id: expect.stringMatching(/^jane-/) as unknown });
  });

  it('is answered, printed, and told by the exit code', async () => {
    const rows = ['accepted', 'refused', 'waiting'] as const;
    const ends = rows.map(async (answer) => {
      const on = cluster();
      answering(on, answer, 'because');
      return asked(on, APPLY);
    });
    const head = 'patchstrategy/kernel in namespace careen-hosts: apply-all, request ID\n';
    expect(await Promise.all(ends)).toEqual([
      { exit: 'done', said: `${head}accepted: because\nfollow it: careen watch kernel -n careen-hosts\n` },
      { exit: 'failed', said: `${head}refused: because\n` },
      { exit: 'open', said: `${head}waiting: because\n` },
    ]);
  });

  it('and an abort with the id of an earlier one are told apart, and JSON has the whole answer', async () => {
    const on = cluster();
    answering(on, 'accepted', 'the running step is awaited');
    const { exit, said } = await asked(on, { verb: 'abort' }, { json: true });
    expect(exit).toBe('done');
    expect(JSON.parse(said)).toEqual({
      apiVersion: 'careen.dev/v1alpha1',
      kind: 'RequestOutcome',
      strategy: { kind: 'PatchStrategy', namespace: 'careen-hosts', name: 'kernel' },
      ...{ id: 'ID', verb: 'abort', answer: 'accepted', message: 'the running step is awaited' },
    });
  });

  it('is not waited for with --no-wait', async () => {
    expect(await asked(cluster(), APPLY, { wait: false })).toEqual({
      exit: 'done',
      said: expect.stringContaining('placed: the answer will be in .status.requests') as unknown,
    });
  });

  it('is placed again after a conflict, on what was read anew', async () => {
    const on = cluster();
    let conflicts = 0;
    on.before = ({ method }) => {
      if (method !== 'PATCH' || conflicts++ > 0) return;
      on.change('kernel', (each) => ({ ...each, status: { message: 'the operator was first' } }));
    };
    answering(on, 'accepted', 'the plan is carried out');
    expect((await asked(on, APPLY)).exit).toBe('done');
    expect(conflicts).toBe(2);
    expect(on.stored('kernel').status).toMatchObject({ message: 'the operator was first' });
  });
});

describe('a request is not placed', () => {
  const other = JSON.stringify({ id: 'q-1', verb: 'retry' });
  const withdraw = 'wait for it, or withdraw it by kubectl annotate -n careen-hosts patchstrategy/kernel';

  it('while another has no answer, which would be lost', async () => {
    const on = cluster();
    annotate(on, { [REQUEST]: other, [ABORT]: 'q-1' });
    expect(await refusal(on, APPLY)).toBe(
      `request q-1 (retry) of patchstrategy/kernel has no answer yet: ${withdraw} ${REQUEST}-`,
    );
    expect(await refusal(on, { verb: 'abort' })).toContain(`request q-1 (abort) of patchstrategy/kernel has`);
    expect(annotationsOf(on.stored('kernel'))).toEqual({ [REQUEST]: other, [ABORT]: 'q-1' });
    annotate(on, { [REQUEST]: 'spoilt' });
    expect(await refusal(on, APPLY)).toMatch(/^request unreadable-\w{12} of .* has no answer yet/);
  });

  it('while another waits for the end of Suspend; an abort is', async () => {
    const requests = [{ id: 'q-1', verb: 'retry', answer: 'waiting', message: '', time }];
    const on = cluster({ status: { requests } });
    annotate(on, { [REQUEST]: other });
    expect(await refusal(on, APPLY)).toContain('request q-1 (retry)');
    expect((await asked(on, { verb: 'abort' }, { wait: false })).exit).toBe('done');
  });

  it('when another came in between', async () => {
    const on = cluster();
    on.before = ({ method }) => {
      if (method === 'PATCH') annotate(on, { [REQUEST]: other });
    };
    expect(await refusal(on, APPLY)).toContain('request q-1 (retry)');
  });

  it('on a strategy that was made anew under its name, or is being deleted', async () => {
    const on = cluster();
    on.before = ({ method }) => {
      if (method !== 'PATCH') return;
      on.server.remove('patchstrategies', 'careen-hosts/kernel', 'other');
      on.strategy('kernel');
    };
    expect(await refusal(on, APPLY)).toBe(
      'patchstrategy/kernel in namespace careen-hosts was deleted meanwhile',
    );
    on.before = () => undefined;
    on.change('kernel', (each) => ({
      ...each,
      metadata: { ...each.metadata, finalizers: ['a/b'] },
    }));
    on.server.remove('patchstrategies', 'careen-hosts/kernel', 'other');
    expect(await refusal(on, APPLY)).toContain('patchstrategy/kernel is being deleted');
  });

  it('without the right: the role is named', async () => {
    const on = cluster();
    on.before = ({ method }) => {
      if (method === 'PATCH') throw forbidden('patch');
    };
    expect(await refusal(on, APPLY)).toContain(
      'no right to patch patchstrategies in namespace careen-hosts: the ClusterRole careen-approver has it',
    );
  });
});

describe('a request without an answer', () => {
  it('says what is likely, and how it is withdrawn', async () => {
    const on = cluster();
    const { exit, said } = await asked(on, APPLY);
    expect(exit).toBe('unanswered');
    expect(said.replaceAll('\n', ' ')).toContain(
      'no answer within 0.05 s: no operator runs: nobody holds Lease careen-system/careen; see kubectl -n careen-system get ' +
        `pods, or try it out by careen run. It stays placed; to withdraw it: kubectl annotate -n careen-hosts patchstrategy/kernel ${REQUEST}-`,
    );
    const bare = cluster();
    bare.hasKinds = false;
    expect((await asked(bare, APPLY)).said.replaceAll('\n', ' ')).toContain(
      'no answer within 0.05 s: the CRD hostpools.careen.dev is not in this cluster',
    );
  });

  it.each<[Leader, string]>([
    [
      { kind: 'held', holder: 'careen-0', fresh: true, secondsAgo: 2 },
      'the operator careen-0 runs; look at its log: ',
    ],
    [
      { kind: 'held', holder: 'careen-0', fresh: false, secondsAgo: 300 },
      'no operator runs: careen-0, the holder of Lease careen-system/careen, has not renewed it for 5 min; ',
    ],
    [
      { kind: 'held', holder: 'x', fresh: false },
      'x, the holder of Lease careen-system/careen, has not renewed it; ',
    ],
    [{ kind: 'unknown', because: 'no right' }, 'whether an operator runs is not known: no right'],
  ])('because of %j', (leader, cause) => {
    expect(causeIn(leader)).toContain(cause);
  });

  it('that somebody replaced is not waited for any longer', async () => {
    const on = cluster();
    on.before = ({ query }) => {
      if (query?.['watch'] !== true) return;
      // After the list at the beginning of the watch.
      queueMicrotask(() => annotate(on, { [REQUEST]: JSON.stringify({ id: 'q-2', verb: 'retry' }) }));
    };
    const { exit, said } = await asked(on, APPLY);
    expect([exit, said]).toEqual([
      'unanswered',
      expect.stringContaining(`somebody removed or replaced the annotation ${REQUEST}`),
    ]);
  });

  it('of a strategy that is deleted ends in an error', async () => {
    const on = cluster();
    on.before = ({ query }) => {
      if (query?.['watch'] === true) on.server.remove('patchstrategies', 'careen-hosts/kernel', 'other');
    };
    expect(await refusal(on, APPLY)).toContain('was deleted meanwhile');
  });
});
