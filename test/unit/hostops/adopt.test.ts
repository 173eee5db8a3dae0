import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { mayBeInFlight } from '../../../src/engine/hosts/outages.ts';
import { CAREEN_ENGINE } from '../../../src/engine/profiles/careen.ts';
import type { HostProgress } from '../../../src/crds/observed/host-progress.ts';
import type { Claim } from '../../../src/engine/view.ts';
import { readClaim, writeClaim } from '../../../src/hostops/claims.ts';
import type { Answer, Call } from '../../../src/kube/client.ts';
import { KubernetesHostOps } from '../../../src/hostops/kubernetes/kubernetes-host-ops.ts';
import { nodeState } from '../../../src/hostops/kubernetes/node-facts.ts';
import { claimPatch } from '../../../src/hostops/kubernetes/node-patches.ts';
import { carryOut } from '../../simulation/world/api-requests.ts';
import { ApiServer, Refusal } from '../../simulation/world/api-server.ts';
import { workers } from '../support/fleets.ts';
import { SimulatedRun } from '../support/simulated-run.ts';

const owner = { kind: 'PatchStrategy', namespace: 'n', name: 's', uid: 'u' };
const claim: Claim = {
  ...{ run: 'r1', pool: 'p', epoch: 2, owner, planDigest: 'd', stage: 0, level: 'away' },
  ...{ closedToNewWorkBefore: false, since: '2026-11-25T09:00:00Z' },
};

const { provider, roles, health } = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });
const SCOPE = { pool: 'p', provider, before: [], roles, health };
const FENCE = { owner, run: 'r1', epoch: 2 };
const OURS = { key: 'careen.dev/maintenance', effect: 'NoSchedule' };

function hostsOver(transport: (call: Call) => Promise<Answer>): KubernetesHostOps {
  const quiet = { info: () => undefined, warn: () => undefined };
  return new KubernetesHostOps(Object.assign(new KubeConfig(), { transport }), quiet, () => 0);
}

/** Takes over the hosts of a run, whose claims may all be in flight. */
async function takeOver(names: readonly string[], transport: (call: Call) => Promise<Answer>): Promise<void> {
  const adoptions = new Map(names.map((name) => [name, { claim, makeIfMissing: true }]));
  await hostsOver(transport).adopt(SCOPE, adoptions, FENCE, new AbortController().signal);
}

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

describe('a take-over of a run', () => {
  it('rejects only when none of its writes is in flight', async () => {
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

  it.each([
    ['unchanged since its claim was requested', { unschedulable: true }, true, true],
    ['cordoned since', { unschedulable: true }, false, false],
    ['uncordoned since', {}, true, false],
    [
      'cordoned by us, under a claim that somebody took off',
      { unschedulable: true, taints: [OURS] },
      false,
      true,
    ],
  ])('decides about a claim on a node that is %s', async (_, spec, closedToNewWorkBefore, isMade) => {
    const written: unknown[] = [];
    const transport = async ({ method, body }: Call): Promise<Answer> => {
      if (method === 'PATCH') written.push(body);
      return answer(200, { metadata: { name: 'a', uid: 'a', resourceVersion: '1' }, spec });
    };
    await hostsOver(transport).adopt(
      SCOPE,
      new Map([['a', { claim: { ...claim, closedToNewWorkBefore }, makeIfMissing: true }]]),
      FENCE,
      new AbortController().signal,
    );
    const annotations = { 'careen.dev/claim': writeClaim({ ...claim, closedToNewWorkBefore }, 'a') };
    expect(written).toMatchObject(isMade ? [{ metadata: { annotations } }] : []);
  });

  it.each([
    ['gone', answer(404, {})],
    [
      'replaced by another of its name',
      answer(200, { metadata: { name: 'a', uid: 'b', resourceVersion: '1' } }),
    ],
  ])('makes no claim on a node that is %s', async (_, found) => {
    const asked: string[] = [];
    const transport = async ({ method, path }: Call): Promise<Answer> => {
      asked.push(method);
      return path.includes('/nodes/') ? found : answer(200, { items: [] });
    };
    await hostsOver(transport).adopt(
      SCOPE,
      new Map([['a', { claim, uid: 'a', makeIfMissing: true }]]),
      FENCE,
      new AbortController().signal,
    );
    expect(asked.filter((method) => method === 'PATCH')).toEqual([]);
  });

  it('expects a claim in flight between its request and the lock of its host', async () => {
    const { run } = await SimulatedRun.start({ hosts: workers(1) });
    const outage: HostProgress = {
      ...{ name: 'w-1', level: 'away', step: 'lock-hosts', attempt: 1, since: claim.since, result: 'wait' },
    };
    expect(mayBeInFlight(CAREEN_ENGINE, run, outage)).toBe(false);
    expect(mayBeInFlight(CAREEN_ENGINE, run, { ...outage, closedToNewWorkBefore: false })).toBe(true);
    expect(
      mayBeInFlight(CAREEN_ENGINE, run, { ...outage, closedToNewWorkBefore: false, result: 'failed' }),
    ).toBe(false);
    expect(
      mayBeInFlight(CAREEN_ENGINE, run, { ...outage, closedToNewWorkBefore: false, step: 'verify' }),
    ).toBe(false);
  });

  it.each(['GET', 'PATCH'])(
    'moves every claim to the new epoch, also one that arrives just before the %s of its host',
    async (method) => {
      const server = new ApiServer(() => 0);
      const [a] = ['a', 'b'].map((name) =>
        server.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } }, 'cluster'),
      );
      const { uid = '', resourceVersion = '' } = a?.metadata ?? {};
      const seen = nodeState({ metadata: { name: 'a', uid, resourceVersion } });
      const path = '/api/v1/nodes/a';
      const inFlight: Call[] = [{ method: 'PATCH', path, body: claimPatch(seen, { ...claim, epoch: 1 }) }];
      const carry = (request: Call, by: string): unknown => carryOut(server, request, () => undefined, by);
      const transport = async (request: Call): Promise<Answer> => {
        if (request.method === method && request.path === path)
          for (const late of inFlight.splice(0)) carry(late, 'before');
        try {
          return answer(200, carry(request, 'new'));
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          return answer(error.code, {});
        }
      };
      await takeOver(['a', 'b'], transport);
      expect(inFlight).toEqual([]);
      const claims = server
        .list('nodes')
        .map(({ metadata }) => readClaim(metadata.annotations?.['careen.dev/claim'], metadata.uid).claim);
      expect(claims).toEqual([claim, claim]);
    },
  );
});
