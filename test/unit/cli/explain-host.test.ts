import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { V1Node } from '@kubernetes/client-node';
import { STRATEGY_KINDS } from '../../../src/cli/cluster/kinds.ts';
import type { Located } from '../../../src/cli/cluster/strategies.ts';
import { hostReport, type HostInput } from '../../../src/cli/explain/host-report.ts';
import { hostText } from '../../../src/cli/explain/host-text.ts';
import { lineText, lineWidth } from '../../../src/cli/text/lines.ts';
import type { Claim } from '../../../src/engine/view.ts';
import { writeClaim } from '../../../src/hostops/claims.ts';
import { hostPool, type HostPool } from '../../../src/resources/stored-pool.ts';
import { NOW, seenStrategies } from '../support/seen-strategies.ts';

const CALLED = { program: 'careen' };
const CLAIM: Claim = {
  ...{ run: 'run-1', pool: 'gpu', epoch: 1, planDigest: 'sha256:0', stage: 0, level: 'away' },
  owner: { kind: 'PatchStrategy', namespace: 'careen-hosts', name: 'sample', uid: 'strategy-1' },
  closedToNewWorkBefore: false,
  since: '2026-11-23T09:00:00.000Z',
};

/** A cordon by kubectl at nine, in the records of the API server. */
const BY_KUBECTL = {
  ...{ manager: 'kubectl-cordon', operation: 'Update', time: '2026-11-23T08:58:00Z' },
  fieldsV1: { 'f:spec': { 'f:unschedulable': {} } },
};

type Parts = {
  readonly cordoned?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managed?: readonly object[];
  readonly taints?: readonly object[];
};

function node({ cordoned = true, annotations = {}, managed = [], taints = [] }: Parts): V1Node {
  const ready = { type: 'Ready', status: 'True' };
  const object: unknown = {
    metadata: { name: 'w-1', uid: 'node-1', labels: { pool: 'gpu' }, annotations, managedFields: managed },
    spec: { ...(cordoned ? { unschedulable: true } : {}), taints },
    status: { conditions: [ready] },
  };
  // A cast: the client's types have dates in the place of texts.
  return object as V1Node;
}

const claimed = (claim: Partial<Claim> = {}) => ({
  'careen.dev/claim': writeClaim({ ...CLAIM, ...claim }, 'node-1'),
});

function pool(name: string, nodeSelector: Readonly<Record<string, string>>, age = 1): HostPool {
  const metadata = { name, uid: name, resourceVersion: '1', generation: 1 };
  return hostPool.parse({
    metadata: { ...metadata, creationTimestamp: `2026-01-0${String(age)}T00:00:00Z` },
    spec: { provider: { kubernetes: { nodeSelector } }, maxUnavailable: 1 },
  });
}

const GPU = pool('gpu', { pool: 'gpu' });

async function owner(state: string): Promise<Located> {
  const [kind] = STRATEGY_KINDS;
  const strategy = (await seenStrategies()).get(state);
  if (!kind || !strategy) throw new Error(`no sample: ${state}`);
  return { kind, strategy, path: '', stored: {} };
}

function explained(input: Partial<HostInput> & { readonly node: V1Node }): {
  text: string;
  commands: string[];
} {
  const report = hostReport({ pools: [GPU], strategies: [], ...input }, CALLED);
  const lines = hostText(report, NOW, 120).map(lineText).join('\n');
  const text = lines.replaceAll(/\n {3,}/g, ' ');
  return { text, commands: report.todo.map(({ command = '' }) => command) };
}

describe('careen explain', () => {
  it('names the run that works on the host, its step and its reason', async () => {
    const strategies = [await owner('a stage runs, a budget blocks a pod')];
    const { text, commands } = explained({ node: node({ annotations: claimed() }), strategies });
    expect(text).toContain(
      'taken by: PatchStrategy careen-hosts/sample, out of service, since 1 min (2026-11-23T09:00',
    );
    expect(text).toContain('work: drain (migrate-instances-from-host): 1 pod left on w-1; budget db');
    expect(commands).toEqual(['careen status sample -n careen-hosts', 'careen abort sample -n careen-hosts']);
  });

  it('names what ends the lock of a failed host', async () => {
    const strategies = [await owner('failed, a host stays locked')];
    const { text, commands } = explained({ node: node({ annotations: claimed() }), strategies });
    expect(text).toContain('failed: Job careen-job-');
    expect(commands.map((command) => command.split(' -n')[0])).toEqual([
      'careen retry sample',
      'careen resume sample',
      'careen release w-1 sample',
      'careen abort sample',
    ]);
  });

  it('says that the owner of a claim no longer exists, and who releases the host', () => {
    const { text, commands } = explained({ node: node({ annotations: claimed() }) });
    expect(text).toContain('sample, which no longer exists, out of service');
    expect(commands).toEqual(['careen doctor']);
  });

  it('says nothing about an owner that it may not look for', () => {
    const { text } = explained({ node: node({ annotations: claimed() }), strategies: undefined });
    expect(text).not.toContain('no longer exists');
  });

  it('names who cordoned it besides Careen, and when', () => {
    const { text, commands } = explained({ node: node({ managed: [BY_KUBECTL] }) });
    expect(text).toContain('cordoned by: kubectl-cordon, not by Careen, since 3 min (2026-11-23T08:58:00Z)');
    expect(commands).toEqual(['kubectl uncordon w-1']);
  });

  it('says that a host stays cordoned which others had cordoned before its outage', async () => {
    const annotations = claimed({ closedToNewWorkBefore: true });
    const strategies = [await owner('a stage runs')];
    const { text } = explained({ node: node({ annotations, managed: [BY_KUBECTL] }), strategies });
    expect(text).toContain('it was cordoned before, and stays so at the end');
    expect(text).toContain('cordoned by: kubectl-cordon');
  });

  it('says that somebody uncordoned it during its outage', async () => {
    const strategies = [await owner('a stage runs, somebody uncordoned a host')];
    const { text, commands } = explained({
      node: node({ cordoned: false, annotations: claimed() }),
      strategies,
    });
    expect(commands).toEqual(['kubectl cordon w-1', 'careen abort sample -n careen-hosts']);
    expect(text).toContain('w-1: not cordoned');
    expect(text).toContain('somebody uncordoned it meanwhile');
  });

  it('says why Careen left it locked', () => {
    const note = JSON.stringify({ run: 'run-1', owner: CLAIM.owner, reason: 'its Job failed' });
    const { text, commands } = explained({ node: node({ annotations: { 'careen.dev/left-locked': note } }) });
    expect(text).toContain('left locked: its Job failed (PatchStrategy careen-hosts/sample)');
    expect(commands).toEqual(['kubectl uncordon w-1']);
    const edited = node({ annotations: { 'careen.dev/left-locked': 'x' } });
    expect(explained({ node: edited }).text).toContain(
      'left locked: its annotation careen.dev/left-locked cannot be read',
    );
  });

  it('says that a claim is spoilt, and how to remove it', () => {
    const { text, commands } = explained({ node: node({ annotations: { 'careen.dev/claim': '{}' } }) });
    expect(text).toContain('claim: its annotation careen.dev/claim cannot be read');
    expect(commands).toEqual(['kubectl annotate node w-1 careen.dev/claim-', 'kubectl uncordon w-1']);
  });

  it('names the pool, or that there is none, or that there are two', () => {
    const open = node({ cordoned: false });
    expect(explained({ node: open })).toEqual({ text: 'w-1: not cordoned\npool: gpu', commands: [] });
    const none = explained({ node: open, pools: [] });
    expect(none.text).toContain('pool: none: no strategy works on it');
    expect(none.commands).toEqual(['kubectl get hostpools']);
    const both = explained({ node: open, pools: [pool('all', {}, 2), GPU] });
    expect(both.text).toContain('pool: gpu; also selected by all');
    expect(both.commands).toEqual(['kubectl edit hostpool all']);
    expect(explained({ node: open, pools: [pool('default', {}, 2), GPU] }).text).toContain(
      'pool: gpu\n'.trimEnd(),
    );
  });

  it('shows taints of others, and the stage that is to patch the host', async () => {
    const taints = [
      { key: 'careen.dev/maintenance', effect: 'NoSchedule' },
      { key: 'example.com/broken', value: 'disk', effect: 'NoExecute' },
    ];
    const strategies = [await owner('planned, waits for approval')];
    const { text } = explained({ node: node({ cordoned: false, taints }), strategies });
    expect(text).toContain('taints: example.com/broken=disk:NoExecute');
    expect(text).toContain('planned by: PatchStrategy careen-hosts/sample in stage 0');
  });

  it('has no line that is wider than the terminal', () => {
    const reason = fc.oneof(fc.string({ unit: 'binary', maxLength: 120 }), fc.lorem());
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 200 }), reason, (columns, words) => {
        const note = JSON.stringify({ run: 'r', owner: CLAIM.owner, reason: words });
        const annotations = { ...claimed(), 'careen.dev/left-locked': note };
        const report = hostReport({ node: node({ annotations }), pools: [GPU], strategies: [] }, CALLED);
        for (const line of hostText(report, NOW, columns))
          expect(lineWidth(line)).toBeLessThanOrEqual(columns);
      }),
    );
  });
});
