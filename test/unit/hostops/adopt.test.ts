import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import type { Claim } from '../../../src/engine/view.ts';
import type { Answer, Call } from '../../../src/kube/client.ts';
import { KubernetesHostOps } from '../../../src/hostops/kubernetes/kubernetes-host-ops.ts';

const owner = { kind: 'PatchStrategy', namespace: 'n', name: 's', uid: 'u' };
const claim: Claim = {
  ...{ run: 'r1', pool: 'p', epoch: 2, owner, planDigest: 'd', stage: 0, level: 'away' },
  ...{ closedToNewWorkBefore: false, since: '2026-11-25T09:00:00Z' },
};

function answer(status: number, content: unknown): Answer {
  const text = JSON.stringify(content);
  return {
    ok: status < 400,
    status,
    headers: [],
    body: null,
    json: async () => content,
    text: async () => text,
  };
}

describe('a run that is taken over', () => {
  it('is given up only when no write of it is under way any more', async () => {
    const slow = Promise.withResolvers<undefined>();
    const log: string[] = [];
    const transport = async ({ method, path }: Call): Promise<Answer> => {
      const name = path.split('/').at(-1) ?? '';
      if (method === 'GET') return answer(200, { metadata: { name, uid: name, resourceVersion: '1' } });
      if (name === 'a') return answer(500, {});
      await slow.promise;
      log.push(`${name} was written`);
      return answer(200, { metadata: { name, uid: name, resourceVersion: '2' } });
    };
    const quiet = { info: () => undefined, warn: () => undefined };
    const hosts = new KubernetesHostOps(Object.assign(new KubeConfig(), { transport }), quiet, () => 0);
    const adoption = { claim, makeIfMissing: true };
    const adoptions = new Map([
      ['a', adoption],
      ['b', adoption],
    ]);
    const fence = { owner, run: 'r1', epoch: 2 };
    const adopted = hosts
      .adopt(adoptions, fence, new AbortController().signal)
      .catch(() => log.push('given up'));
    setImmediate(() => slow.resolve(undefined));
    await adopted;
    expect(log).toEqual(['b was written', 'given up']);
  });
});
