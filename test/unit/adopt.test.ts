import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import type { Claim } from '../../src/engine/view.ts';
import { readClaim } from '../../src/hostops/kubernetes/claims.ts';
import type { Answer, Call } from '../../src/hostops/kubernetes/kube-client.ts';
import { KubernetesHostOps } from '../../src/hostops/kubernetes/kubernetes-host-ops.ts';
import { nodeState } from '../../src/hostops/kubernetes/node-facts.ts';
import { claimPatch } from '../../src/hostops/kubernetes/node-patches.ts';
import { carryOut } from '../../src/simulation/api-requests.ts';
import { ApiServer, Refusal } from '../../src/simulation/api-server.ts';

const owner = { namespace: 'n', name: 's', uid: 'u' };
const claim: Claim = {
  ...{ run: 'r1', pool: 'p', epoch: 2, owner, planDigest: 'd', stage: 0, level: 'away' },
  ...{ closedBefore: false, since: '2026-11-25T09:00:00Z' },
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

const quiet = { info: () => undefined, warn: () => undefined };
const fence = { strategy: owner, run: 'r1', epoch: 2 };

/** Takes over the hosts of a run, whose claims may all be on their way. */
async function takeOver(names: readonly string[], transport: (call: Call) => Promise<Answer>): Promise<void> {
  const hosts = new KubernetesHostOps(Object.assign(new KubeConfig(), { transport }), quiet, () => 0);
  const adoptions = new Map(names.map((name) => [name, { claim, makeIfMissing: true }]));
  await hosts.adopt(adoptions, fence, new AbortController().signal);
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
    const adopted = takeOver(['a', 'b'], transport).catch(() => log.push('given up'));
    setImmediate(() => slow.resolve(undefined));
    await adopted;
    expect(log).toEqual(['b was written', 'given up']);
  });

  it.each(['GET', 'PATCH'])(
    'has every claim in the new epoch, also one that arrives just before the %s of its host',
    async (method) => {
      const server = new ApiServer(() => 0);
      const [a] = ['a', 'b'].map((name) =>
        server.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } }, 'cluster'),
      );
      const { uid = '', resourceVersion = '' } = a?.metadata ?? {};
      const seen = nodeState({ metadata: { name: 'a', uid, resourceVersion } });
      const path = '/api/v1/nodes/a';
      const onItsWay: Call[] = [{ method: 'PATCH', path, body: claimPatch(seen, { ...claim, epoch: 1 }) }];
      const carry = (request: Call, by: string): unknown => carryOut(server, request, () => undefined, by);
      const transport = async (request: Call): Promise<Answer> => {
        if (request.method === method && request.path === path)
          for (const late of onItsWay.splice(0)) carry(late, 'before');
        try {
          return answer(200, carry(request, 'new'));
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          return answer(error.code, {});
        }
      };
      await takeOver(['a', 'b'], transport);
      expect(onItsWay).toEqual([]);
      const claims = server
        .list('nodes')
        .map(({ metadata }) => readClaim(metadata.annotations?.['careen.dev/claim'], metadata.uid).claim);
      expect(claims).toEqual([claim, claim]);
    },
  );
});
