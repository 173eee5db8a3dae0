/** Two owners of the same name and different kinds: neither touches an object of the other. */
import { KubeConfig } from '@kubernetes/client-node';
import type { V1Job } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { activeRuns } from '../../../src/controllers/pool/active-runs.ts';
import { effectKey } from '../../../src/engine/effect.ts';
import { isBacked, keptPermits } from '../../../src/engine/permits/active-runs.ts';
import type { HostPoolStatus, Permit } from '../../../src/crds/host-pool.ts';
import { isSameOwner, ownerKey, ownerOfKey } from '../../../src/crds/owner-ref.ts';
import { withoutPermitsOf, withPermits } from '../../../src/engine/permits/permits.ts';
import { takenOver } from '../../../src/engine/permits/takeover.ts';
import type { Claim } from '../../../src/engine/view.ts';
import { jobManifest, jobState, type CreateJob } from '../../../src/hostops/jobs/job.ts';
import { adoptJobs } from '../../../src/hostops/jobs/adopt-jobs.ts';
import { readClaim, writeClaim } from '../../../src/hostops/claims.ts';
import type { Answer, Call } from '../../../src/kube/client.ts';
import { ownerNamed } from '../support/owners.ts';

const TIME = '2026-11-26T09:00:00Z';
const patch = ownerNamed('kernel');
const upgrade = ownerNamed('kernel', 'UpgradeStrategy');

const permit = (host: string, run: string): Permit => ({ host, run, level: 'away', since: TIME });
const claimOf = (owner: Claim['owner'], run: string): Claim => ({
  ...{ run, pool: 'default', epoch: 1, owner, planDigest: 'd', stage: 0, level: 'away' },
  ...{ closedToNewWorkBefore: false, since: TIME },
});
const both: HostPoolStatus = withPermits(
  {
    runs: [
      { id: 'p1', owner: patch },
      { id: 'u1', owner: upgrade },
    ],
  },
  [permit('w-1', 'p1'), permit('w-2', 'u1')],
);

describe('two owners of the same name and different kinds', () => {
  it('are different, and have different keys', () => {
    expect(isSameOwner(patch, upgrade)).toBe(false);
    expect(isSameOwner(patch, { ...upgrade, uid: patch.uid })).toBe(false);
    expect(ownerKey(patch)).not.toBe(ownerKey(upgrade));
    expect(ownerOfKey(ownerKey(upgrade))).toEqual({
      kind: 'UpgradeStrategy',
      namespace: 'a',
      name: 'kernel',
    });
  });

  it('free only their own permits', () => {
    expect(withoutPermitsOf(both, patch, new Map()).permits).toEqual([permit('w-2', 'u1')]);
    expect(withoutPermitsOf(both, upgrade, new Map()).permits).toEqual([permit('w-1', 'p1')]);
    expect(withoutPermitsOf(both, ownerNamed('other'), new Map())).toBe(both);
  });

  it('of which one is of a kind that this version cannot read: no claim of it is swept, no permit freed', async () => {
    const unknown = ownerNamed('kernel', 'HostReplacement');
    const status = withPermits(
      {
        epoch: 1,
        runs: [
          { id: 'p1', owner: patch },
          { id: 's1', owner: unknown },
        ],
      },
      [permit('w-1', 'p1'), permit('w-2', 's1')],
    );
    const marked = [
      { host: 'w-2', claim: claimOf(unknown, 's1') },
      { host: 'w-3', claim: claimOf(unknown, 's2') },
    ].map((each) => ({
      ...{ ...each, revision: '1', spoiltClaim: undefined, closedToNewWork: true, leftLocked: false },
      ...{ busy: false, begun: false },
    }));
    const active = await activeRuns(async () => undefined, { status }, marked);
    for (const { host, claim } of marked) expect(isBacked(host, claim, [], active)).toBe(true);
    expect(keptPermits(status, active, new Set(), () => true)).toEqual([permit('w-2', 's1')]);
  });

  it('keep their claims apart: the kind is sealed', () => {
    const text = writeClaim(claimOf(patch, 'p1'), 'uid-of-node');
    expect(readClaim(text, 'uid-of-node').claim?.owner).toEqual(patch);
    expect(
      readClaim(text.replace('PatchStrategy"', 'UpgradeStrategy"'), 'uid-of-node').claim,
    ).toBeUndefined();
  });

  it('recover their permits from the claims when the status of the pool was lost', () => {
    const marked = [
      { host: 'w-1', claim: claimOf(patch, 'p1') },
      { host: 'w-2', claim: claimOf(upgrade, 'u1') },
    ];
    expect(takenOver({}, marked, undefined).status.runs).toEqual(both.runs);
  });
});

describe('a Job', () => {
  const effect: CreateJob = {
    kind: 'create-job',
    key: 'p1/0/sw-patch-hosts/w-1/k/1',
    host: 'w-1',
    action: 'k',
    job: { template: { spec: { containers: [{ name: 'apply', image: 'i' }] } } },
  };
  const made = (owner: Claim['owner']): V1Job => {
    const host = owner.kind.toLowerCase();
    const key = effectKey('p1', 0, 'sw-patch-hosts', host, 'k', 1);
    const job: V1Job = jobManifest({ ...effect, key, host }, { owner, run: 'p1', epoch: 1 });
    Object.assign(job.metadata ?? {}, { uid: owner.uid, resourceVersion: '1' });
    return job;
  };

  it('is owned by an object of the kind that requested it', () => {
    expect(made(upgrade).metadata?.ownerReferences).toEqual([
      expect.objectContaining({
        apiVersion: 'careen.dev/v1alpha1',
        kind: 'UpgradeStrategy',
        uid: upgrade.uid,
      }),
    ]);
    expect(jobState(made(upgrade))?.ownerUid).toBe(upgrade.uid);
  });

  it('is not stamped by the take-over of a run of another owner, whatever its labels say', async () => {
    const stamped: string[] = [];
    const items = [made(patch), made(upgrade)];
    const transport = async ({ method, path }: Call): Promise<Answer> => {
      const name = path.split('/').at(-1) ?? '';
      if (method === 'PATCH') stamped.push(name);
      const content =
        name === 'jobs' ? { metadata: {}, items } : items.find((job) => job.metadata?.name === name);
      return {
        ...{ ok: true, status: 200, headers: [], body: null },
        json: async () => content,
        text: async () => JSON.stringify(content),
      };
    };
    const config = Object.assign(new KubeConfig(), { transport });
    const fence = { owner: patch, run: 'p1', epoch: 2 };
    await adoptJobs({ config, now: () => 0 }, [], fence, new AbortController().signal);
    expect(stamped).toEqual([items[0]?.metadata?.name]);
  });
});
