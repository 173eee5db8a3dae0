import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { CLAIM_ANNOTATION, MAINTENANCE_TAINT } from '../../../src/crds/names.ts';
import { writeClaim } from '../../../src/hostops/claims.ts';
import type { Answer, Call } from '../../../src/kube/client.ts';
import { nodeState } from '../../../src/hostops/kubernetes/node-facts.ts';
import { releaseNode } from '../../../src/hostops/kubernetes/node-writes.ts';
import { claimOfAnother } from '../support/fleets.ts';

/** Whether the release uncordons a cordoned node; `found`: the state before its claim, undefined when it was lost. */
async function opens(
  found: boolean | undefined,
  closedToNewWorkBefore: boolean | undefined,
  taints = [{ key: MAINTENANCE_TAINT, effect: 'NoSchedule' }],
): Promise<boolean> {
  const annotations: Record<string, string> =
    found === undefined
      ? {}
      : { [CLAIM_ANNOTATION]: writeClaim({ ...claimOfAnother, closedToNewWorkBefore: found }, 'uid') };
  const node = nodeState({
    metadata: { name: 'a', uid: 'uid', resourceVersion: '7', annotations },
    spec: { unschedulable: true, taints },
  });
  let written: unknown;
  const transport = async ({ body }: Call): Promise<Answer> => {
    written = body;
    const text = async (): Promise<string> => '{}';
    return { ok: true, status: 200, headers: [], body: null, json: async () => ({}), text };
  };
  const effect = { kind: 'release', key: 'k', host: 'a', revision: '7', run: claimOfAnother.run } as const;
  const writer = { config: Object.assign(new KubeConfig(), { transport }), now: () => 0 };
  const { outcome } = await releaseNode(
    writer,
    node,
    { ...effect, closedToNewWorkBefore },
    new AbortController().signal,
  );
  expect(outcome).toEqual({ kind: 'accepted' });
  return JSON.stringify(written).includes('"unschedulable":null');
}

describe('a released node', () => {
  it('stays cordoned when its claim found it so', async () => {
    expect(await opens(true, undefined)).toBe(false);
    expect(await opens(true, true)).toBe(false);
  });

  it('is uncordoned when the run has seen it open since, or only its claim says that we cordoned it', async () => {
    expect(await opens(true, false)).toBe(true);
    expect(await opens(false, undefined)).toBe(true);
  });

  it('stays cordoned when the claim contradicts the record of the run, or the node has no taint of ours', async () => {
    expect(await opens(false, true), 'a claim that somebody has changed').toBe(false);
    expect(await opens(false, undefined, []), 'a claim that a kubelet has written').toBe(false);
  });

  it('is restored from the record of the run when its claim was lost', async () => {
    expect(await opens(undefined, true)).toBe(false);
    expect(await opens(undefined, false)).toBe(true);
  });
});
