/** Kinds that are older than the operator: what is noticed, and what is kept. */
import { ApiException, KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openApiSchema } from '../../../src/crds/schema/custom-resource-definition.ts';
import { KEPT_STATUS } from '../../../src/crds/names.ts';
import { patchStrategyDefinition } from '../../../src/crds/patch-strategy.ts';
import type { StrategyStatus } from '../../../src/crds/observed/strategy-status.ts';
import { schemaGaps } from '../../../src/crds/schema/schema-gaps.ts';
import type { Answer, Call } from '../../../src/kube/client.ts';
import { fieldsOutsideSchema } from '../../../src/kube/errors.ts';
import { CareenApi } from '../../../src/resources/careen-api.ts';
import { OutdatedKindError } from '../../../src/resources/outdated-kind-error.ts';
import { patchStrategy, type Strategy } from '../../../src/resources/stored-strategy.ts';
import { kernelPatch } from '../support/simulated-run.ts';

const metadata = {
  ...{ name: 's', namespace: 'n', uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: '' },
};
const spec = { patches: [kernelPatch], reboot: { job: kernelPatch.action.job } };
const status = {
  state: 'applying',
  message: 'as it was',
  run: {
    ...{ id: 'r', planDigest: 'd', specDigest: 's', fleetRevision: 'f', builtAt: '2026-11-26T09:00:00Z' },
    ...{ pool: 'default', epoch: 3, actions: {} },
  },
} as const;
const { epoch: _epoch, ...runWithoutEpoch } = status.run;

/** An API server with a strategy, and a kind without `status.run.epoch`. */
class OlderServer {
  readonly writes: unknown[] = [];
  /** What another leader has changed. */
  status: object = {};

  get api(): CareenApi {
    const transport = async (request: Call): Promise<Answer> => {
      if (request.method === 'PATCH') this.writes.push(request.body);
      const object = { metadata, spec, status: { ...status, run: runWithoutEpoch, ...this.status } };
      return {
        ok: true,
        status: 200,
        headers: [],
        body: null,
        json: async () => object,
        text: async () => '',
      };
    };
    return new CareenApi(Object.assign(new KubeConfig(), { transport }));
  }
}

describe('a schema', () => {
  const wanted = openApiSchema(patchStrategyDefinition);

  it('accepts all that an equal one accepts', () => {
    expect(schemaGaps(wanted, JSON.parse(JSON.stringify(wanted)))).toEqual([]);
  });

  const inside = (field: object): object => ({ properties: { a: { type: 'array', items: field } } });
  const noField = 'x-kubernetes-preserve-unknown-fields';
  it.each<[what: string, ours: object, theirs: object, gaps: string[]]>([
    ['a field', { properties: { b: {} } }, { properties: {} }, ['a[].b']],
    ['all fields', { properties: { b: {} } }, {}, ['a[].b']],
    ['a field of a map', { additionalProperties: { properties: { b: {} } } }, {}, ['a[].*.b']],
    ['a value', { enum: ['x', 'y'] }, { enum: ['x'] }, ['a[]=y']],
    ['texts', { 'x-kubernetes-int-or-string': true }, { type: 'integer' }, ['a[]']],
    ['unknown fields', { [noField]: true }, { type: 'object' }, ['a[]']],
    ['nothing: it keeps unknown fields', { properties: { b: {} } }, { [noField]: true }, []],
    ['nothing: it has more', { enum: ['x'] }, { enum: ['x', 'y'] }, []],
  ])('of an earlier version lacks %s', (_what, ours, theirs, gaps) => {
    expect(schemaGaps(inside(ours), inside(theirs))).toEqual(gaps);
  });
});

describe('a refused write', () => {
  const refusal = (causes: readonly object[], code = 422): ApiException<string> =>
    new ApiException(code, '', JSON.stringify({ details: { causes } }), {});
  const unknown =
    'Invalid value: "{\\"m\\":\\"unknown field \\"status.no\\"\\"}": strict decoding error: unknown field "status.epoch", unknown field "status.run.x"';
  const enumMessage = 'Unsupported value: "New": supported values: "Old"';

  it.each([
    [[{ field: 'patch', message: unknown }], ['status.epoch', 'status.run.x']],
    [[{ field: 'status.reason', message: enumMessage }], ['status.reason (Unsupported value: "New")']],
    [[{ field: 'metadata.uid', message: 'field is immutable' }], []],
    [[], []],
  ])('names the fields that the kind does not have: %j', (causes, fields) => {
    expect(fieldsOutsideSchema(refusal(causes))).toEqual(fields);
  });

  it('for another reason names none', () => {
    expect(fieldsOutsideSchema(refusal([{ field: 'status.a', message: '' }], 409))).toEqual([]);
  });
});

describe('an answer that lacks what was sent', () => {
  const strategy: Strategy = patchStrategy.parse({ metadata, spec, status });

  it('is an error that names object, CRD, field and remedy', async () => {
    const write = new OlderServer().api.writeStatus(strategy, { ...strategy.status, message: 'new' });
    await expect(write).rejects.toThrow(
      'PatchStrategy n/s cannot be stored: the CRD patchstrategies.careen.dev in this cluster does not accept ' +
        'status.run.epoch, status.uid, which this version of Careen needs; apply the CRDs of this version',
    );
    await expect(write).rejects.toThrow(OutdatedKindError);
  });

  const KEY = { kind: 'PatchStrategy', namespace: 'n', name: 's' } as const;

  it('does not make the process forget it: the status is kept whole in the write that says so', async () => {
    const server = new OlderServer();
    const { api } = server;
    await expect(api.writeStatus(strategy, { ...strategy.status, message: 'new' })).rejects.toThrow();
    const read = await api.strategyOfOutdatedKind(KEY);
    expect(read).toMatchObject({
      complete: true,
      strategy: { status: { message: 'new', run: { epoch: 3 } } },
    });
    await api.suspend(read?.strategy ?? expect.fail(), { message: 'outdated', conditions: [] });
    expect(server.writes.at(-1)).toMatchObject({
      metadata: { uid: 'u', resourceVersion: '1' },
      status: { message: 'outdated', run: { actions: { [KEPT_STATUS]: { run: { epoch: 3 } } } } },
    });
  });

  it('is not taken for whole when another leader has continued the run since', async () => {
    const server = new OlderServer();
    const { api } = server;
    await expect(api.writeStatus(strategy, { ...strategy.status, message: 'new' })).rejects.toThrow();
    server.status = { state: 'applied' };
    const read = await api.strategyOfOutdatedKind(KEY);
    expect(read).toMatchObject({ complete: false, strategy: { status: { state: 'applied' } } });
  });

  it('of an object that this process has never read whole is known to be incomplete', async () => {
    const read = await new OlderServer().api.strategyOfOutdatedKind(KEY);
    expect(read?.complete).toBe(false);
  });
});

/** The changes of the status in the write that wishes for this status, after what guards it. */
async function patchOf(strategy: Strategy, wish: StrategyStatus): Promise<unknown> {
  const server = new OlderServer();
  await expect(server.api.writeStatus(strategy, wish)).rejects.toThrow(OutdatedKindError);
  return z.array(z.unknown()).parse(server.writes.at(-1)).slice(2);
}

describe('a status that cannot be read', () => {
  it('counts as none, and the first write leaves nothing of it', async () => {
    const spoilt = { ...status, state: 'no state', abortPhase: { stages: 'no list' } };
    const read = patchStrategy.parse({ metadata, spec, status: spoilt });
    expect(read.status).toEqual({});
    const patch = await patchOf(read, { state: 'building' });
    expect(patch).toEqual([{ op: 'add', path: '/status', value: { state: 'building', uid: 'u' } }]);
  });
});

describe('a status that was kept', () => {
  const stored = (changes: object): object => ({
    ...{ state: 'applying', message: 'outdated', conditions: [], ...changes },
    run: { ...runWithoutEpoch, actions: { [KEPT_STATUS]: status } },
  });

  it('counts instead of what the API server has left of it', () => {
    const read = patchStrategy.parse({ metadata, spec, status: stored({}) });
    expect(read).toMatchObject({
      status: { message: 'as it was', run: { epoch: 3 } },
      suspendedBy: 'outdated',
    });
  });

  it('counts no more when another version has continued the run: the next write removes it', async () => {
    const read = patchStrategy.parse({ metadata, spec, status: stored({ state: 'applied' }) });
    expect(read.status.state).toBe('applied');
    expect(read.suspendedBy).toBeUndefined();
    const wish = { ...read.status, message: 'new' };
    expect(JSON.stringify(wish)).not.toContain(KEPT_STATUS);
    const value = { ...wish, uid: 'u' };
    expect(await patchOf(read, wish)).toEqual([{ op: 'add', path: '/status', value }]);
  });

  it('of another object is replaced by the first write, with what it was kept in', async () => {
    const kept = { ...status, uid: 'of-another' };
    const run = { ...runWithoutEpoch, actions: { [KEPT_STATUS]: kept } };
    const read = patchStrategy.parse({ metadata, spec, status: { ...stored({}), run } });
    expect(read.status).toEqual({});
    const patch = await patchOf(read, { state: 'building' });
    expect(patch).toEqual([{ op: 'add', path: '/status', value: { state: 'building', uid: 'u' } }]);
  });
});
