import { describe, expect, it } from 'vitest';
import { PooledKubeConfig } from '../../../src/kube/client.ts';
import type { Answer, Call } from '../../../src/kube/client.ts';
import { ConflictError } from '../../../src/kube/errors.ts';
import { CareenApi } from '../../../src/resources/careen-api.ts';
import { patchStrategy } from '../../../src/resources/stored-strategy.ts';
import { strategySpec } from '../support/simulated-run.ts';

const METADATA = {
  ...{ name: 's', namespace: 'n', uid: 'u-1', resourceVersion: '7', generation: 1 },
  creationTimestamp: '2026-11-26T09:00:00Z',
};

/** Writes a status that a server answers with 422 whose object has this metadata now. */
async function write(now: object | undefined): Promise<unknown> {
  const transport = async ({ method }: Call): Promise<Answer> => {
    const [status, body] =
      method === 'PATCH'
        ? [422, { reason: 'Invalid', message: 'a policy denies it' }]
        : now
          ? [200, { metadata: { ...METADATA, ...now } }]
          : [404, { reason: 'NotFound', message: 'not found' }];
    const text = async (): Promise<string> => JSON.stringify(body);
    return { ok: status === 200, status, headers: [], body: null, json: async () => body, text };
  };
  const api = new CareenApi(Object.assign(new PooledKubeConfig(), { transport }));
  const strategy = patchStrategy.parse({ metadata: METADATA, spec: strategySpec(), status: {} });
  return api.writeStatus(strategy, { message: 'new' }).catch((error: unknown) => error);
}

describe('a write that the API server finds invalid', () => {
  it('is a conflict when the object was changed, replaced or removed meanwhile', async () => {
    expect(await write({ resourceVersion: '8' })).toBeInstanceOf(ConflictError);
    expect(await write({ uid: 'u-2' })).toBeInstanceOf(ConflictError);
    expect(await write(undefined)).toBeInstanceOf(ConflictError);
  });

  it('is an error when the object is as it was: to repeat it would be in vain', async () => {
    const error = await write({});
    expect(error).not.toBeInstanceOf(ConflictError);
    expect(String(error)).toContain('a policy denies it');
  });
});
