import { describe, expect, it } from 'vitest';
import { PooledKubeConfig } from '../../../src/kube/client.ts';
import type { Answer } from '../../../src/kube/client.ts';
import { ConflictError } from '../../../src/kube/errors.ts';
import { CareenApi } from '../../../src/resources/careen-api.ts';
import { patchStrategy } from '../../../src/resources/stored-strategy.ts';
import { strategySpec } from '../support/simulated-run.ts';

const METADATA = {
  ...{ name: 's', namespace: 'n', uid: 'u-1', resourceVersion: '7', generation: 1 },
  creationTimestamp: '2026-11-26T09:00:00Z',
};

/** The errors of writes of a status, one for each version of the object, on a server that answers each with 422. */
async function writes(...versions: object[]): Promise<unknown[]> {
  const body = { reason: 'Invalid', message: 'a policy denies it' };
  const transport = async (): Promise<Answer> => {
    const text = async (): Promise<string> => JSON.stringify(body);
    return { ok: false, status: 422, headers: [], body: null, json: async () => body, text };
  };
  const api = new CareenApi(Object.assign(new PooledKubeConfig(), { transport }));
  const errors: unknown[] = [];
  for (const version of versions) {
    const metadata = { ...METADATA, ...version };
    const strategy = patchStrategy.parse({ metadata, spec: strategySpec(), status: {} });
    errors.push(await api.writeStatus(strategy, { message: 'new' }).catch((error: unknown) => error));
  }
  return errors;
}

describe('a write that the API server finds invalid', () => {
  it('is a conflict at first: a failed precondition is answered in the same way', async () => {
    const errors = await writes({}, { resourceVersion: '8' }, { uid: 'u-2', resourceVersion: '8' });
    for (const error of errors) expect(error).toBeInstanceOf(ConflictError);
  });

  it('is an error when the same version is refused again: to repeat it would be in vain', async () => {
    const [, again] = await writes({}, {});
    expect(again).not.toBeInstanceOf(ConflictError);
    expect(String(again)).toContain('a policy denies it');
  });
});
