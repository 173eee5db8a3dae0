/** Lost knowledge: a status that somebody wiped, a claim without a run, a host that vanished. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLAIM_ANNOTATION, LEFT_LOCKED_ANNOTATION, MAINTENANCE_TAINT } from '../../src/crds/names.ts';
import { writeClaim } from '../../src/hostops/claims.ts';
import { apply, mergePatch } from '../support/controlplane/apply.ts';
import { currentKinds, olderKind } from '../support/controlplane/older-kinds.ts';
import { eventually } from '../support/eventually.ts';
import { BEHAVIOUR_ANNOTATION } from '../support/hosts/host-standin.ts';
import { readMetrics } from '../support/operator/metrics.ts';
import { kubeletPatch } from '../support/operator/strategies.ts';
import { deleteNode, request, wipeStatus } from './by-hand.ts';
import { Cluster, closed, marked, type Fleet } from './cluster.ts';
import { eventAbout } from './events.ts';
import { expectGivenBack } from './given-back.ts';
import { stuckInDrain } from './stuck-in-drain.ts';
import { mostClosed } from './watch-closed.ts';

const HOSTS_OF_STAGE = 'status.applyPhase.stages[].hosts';
const RUN = { execution: { mode: 'Run' } };
/** The Job on the host first ends by its own deadline. */
const SWEPT_WITHIN = { seconds: 70 };

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(async () => cluster.stop());

/** The claim on the first host. */
function claimOn([node]: Awaited<ReturnType<Fleet['nodes']>>): string {
  return node?.metadata?.annotations?.[CLAIM_ANNOTATION] ?? '';
}

async function endsWell(fleet: Fleet): Promise<void> {
  await fleet.untilState('applied');
  await expectGivenBack(fleet);
}

describe('a status that somebody wiped while a host is out of service', () => {
  it('of the pool is rebuilt from the claims, and the run continues', async () => {
    const fleet = await cluster.fleet('pool-wiped', 2, 1);
    const { run, release } = await stuckInDrain(cluster, fleet);
    const { epoch = 0 } = await fleet.poolStatus();
    await wipeStatus(cluster.admin, fleet.poolObject);
    const rebuilt = await fleet.untilPool('permits again', ({ permits }) => permits !== undefined);
    expect(rebuilt).toMatchObject({ permits: [{ host: 'pool-wiped-0', run }], away: 1 });
    expect(rebuilt.epoch).toBeGreaterThan(epoch);
    expect(await eventAbout(cluster.admin, fleet.poolObject, 'PoolRebuilt')).toMatchObject({
      type: 'Warning',
    });

    const most = await mostClosed(fleet, async () => {
      await release();
      await endsWell(fleet);
    });
    expect(most).toBe(1);
    expect((await fleet.status()).run?.id).toBe(run);
  });

  it('of the pool and of its strategy is survived also by an operator that was down', async () => {
    const fleet = await cluster.fleet('all-wiped', 2, 1);
    const { release } = await stuckInDrain(cluster, fleet);
    const most = await mostClosed(fleet, async () => {
      await cluster.operator.kill();
      await wipeStatus(cluster.admin, fleet.strategy);
      await wipeStatus(cluster.admin, fleet.poolObject);
      await cluster.startOperator();
      await release();
      await endsWell(fleet);
    });
    expect(most).toBe(1);
  });

  it('of the strategy leads to a new plan: the host is released first, and keeps its permit until then', async () => {
    const fleet = await cluster.fleet('run-wiped', 2, 1);
    const { run, release } = await stuckInDrain(cluster, fleet);
    const other = fleet.also('waits-for-run-wiped');
    await other.apply({ ...RUN, patches: [{ ...kubeletPatch, rebootRequired: true }] });
    await other.until('a wait for a permit', ({ message }) => /waiting for permits/.test(message ?? ''));
    const most = await mostClosed(fleet, async () => {
      await wipeStatus(cluster.admin, fleet.strategy);
      await fleet.until('another run', (status) => status.run !== undefined && status.run.id !== run);
      await release();
      await Promise.all([fleet.untilState('applied'), other.untilState('applied')]);
    });
    expect(most).toBe(1);
    await endsWell(fleet);
  });

  it('of the strategy does not repeat a request', async () => {
    const fleet = await cluster.fleet('asked-wiped', 1, 1);
    await fleet.apply();
    await fleet.untilState('ready-to-apply');
    await request(cluster.admin, fleet.strategy, { id: 'w-1', verb: 'apply-all' });
    await fleet.untilState('applied');
    await wipeStatus(cluster.admin, fleet.strategy);
    expect(await fleet.answer('w-1')).toMatch(/^refused: the status was lost/);
  });

  it('of the strategy does not open a host that a Job works on, and the work is not repeated', async () => {
    const fleet = await cluster.fleet('job-wiped', 1, 1);
    await fleet.annotate('job-wiped-0', { [BEHAVIOUR_ANNOTATION]: 'silent' });
    await fleet.apply({ ...RUN, timing: { patchTimeoutSeconds: 8, settleSeconds: 0, stabilizeSeconds: 0 } });
    const before = await fleet.until('a Job that runs', ({ progress }) =>
      / runs on /.test(progress?.hosts[0]?.reason ?? ''),
    );
    await wipeStatus(cluster.admin, fleet.strategy);
    await fleet.until('another run', ({ run }) => run !== undefined && run.id !== before.run?.id);
    await eventually(
      'the host is left locked',
      async () => {
        const nodes = await fleet.nodes();
        const [job] = await fleet.jobs();
        const over = job?.status?.conditions?.some(
          ({ type, status }) => type === 'Failed' && status === 'True',
        );
        expect(closed(nodes), 'closed while the Job runs, and after it').toEqual(['job-wiped-0']);
        const note = nodes[0]?.metadata?.annotations?.[LEFT_LOCKED_ANNOTATION] ?? '';
        return over === true && note.includes(before.run?.id ?? 'no run');
      },
      SWEPT_WITHIN,
    );
    const { message } = await fleet.until('an end', ({ state }) => state === 'apply-failed');
    expect(message).toMatch(/job-wiped-0 stays cordoned: work on it was cut short/);
    expect(await fleet.jobs()).toHaveLength(1);
  }, 120_000);
});

describe('CRDs that are older than the operator', () => {
  it('stop the work in mid-run, also that of a new process, and it continues when they are right again', async () => {
    const fleet = await cluster.fleet('outdated', 2, 1);
    const { run, release } = await stuckInDrain(cluster, fleet);
    const claim = claimOn(await fleet.nodes());
    const most = await mostClosed(fleet, async () => {
      await applyOlderKinds({
        hostpools: ['status.epoch'],
        patchstrategies: ['status.run.epoch', HOSTS_OF_STAGE, 'status.conditions[].reason=KindsOutdated'],
      });
      const said = await untilStalled(fleet, /the CRD patchstrategies\.careen\.dev .* does not accept/);
      expect(said).toMatch(/ status\.applyPhase\.stages\[\]\.hosts, /);
      expect(said).toMatch(
        /apply the CRDs of this version \(chart careen-crds, or kubectl apply -k deploy\/crds\)/,
      );
      expect(await areKindsOutdated()).toBe(1);
      await release();
      await cluster.crashOperator();
      await untilNoPass(fleet);
      expect(claimOn(await fleet.nodes())).toBe(claim);

      await applyCurrentKinds();
      await endsWell(fleet);
    });
    expect(most).toBe(1);
    expect((await fleet.status()).run?.id).toBe(run);
    expect(await areKindsOutdated()).toBe(0);
  });

  it('without conditions are reported by log, metric and event, and nothing is lost', async () => {
    const fleet = await cluster.fleet('unsaid', 2, 1);
    const { run, release } = await stuckInDrain(cluster, fleet);
    await applyOlderKinds({ patchstrategies: ['status.conditions', 'status.run.actions', HOSTS_OF_STAGE] });
    await untilNoPass(fleet);
    expect(await areKindsOutdated()).toBe(1);
    expect((await eventAbout(cluster.admin, fleet.strategy, 'KindsOutdated')).note).toMatch(
      /status\.run\.actions.* apply the CRDs of this version/,
    );
    await release();
    await cluster.crashOperator();
    await untilNoPass(fleet);
    await applyCurrentKinds();
    await endsWell(fleet);
    expect((await fleet.status()).run?.id).toBe(run);
  });
});

/** Applies the CRDs without these fields and values, like those of an earlier version. */
async function applyOlderKinds(lacking: { readonly [plural: string]: readonly string[] }): Promise<void> {
  for (const [plural, crd] of Object.entries(await currentKinds()))
    await apply(cluster.admin, olderKind(crd, ...(lacking[plural] ?? [])));
}

async function applyCurrentKinds(): Promise<void> {
  await apply(cluster.admin, ...Object.values(await currentKinds()));
}

/** Waits until the strategy says that it cannot continue, for a reason like this one. */
async function untilStalled(fleet: Fleet, why: RegExp): Promise<string> {
  const { conditions } = await fleet.until('a condition that says it', (status) =>
    Boolean(status.conditions?.some(({ type, message }) => type === 'Stalled' && why.test(message))),
  );
  return conditions?.find(({ type }) => type === 'Stalled')?.message ?? '';
}

/** Waits until the running process has refused to make a pass over the strategy. */
async function untilNoPass({ strategy: { metadata } }: Fleet): Promise<void> {
  const key = `PatchStrategy/${String(metadata.namespace)}/${metadata.name}`;
  await eventually('no pass is made', async () =>
    cluster.operator.lines.some((line) => line.includes(key) && line.includes('the CRDs are outdated')),
  );
}

/** The metric about outdated kinds. */
async function areKindsOutdated(): Promise<number> {
  const { value } = await readMetrics(cluster.operator.address() ?? '');
  return value('careen_kinds_outdated');
}

describe('an epoch that was lost with the status of the pool', () => {
  it('does not look like another leader to an operator', async () => {
    const fleet = await cluster.fleet('epoch-lost', 1, 1);
    await fleet.apply(RUN);
    await fleet.untilState('applied');
    await cluster.crashOperator();
    const { run } = await fleet.until('a second epoch', (status) => status.run?.epoch === 2);
    await cluster.operator.kill();
    await wipeStatus(cluster.admin, fleet.poolObject);
    await mergePatch(cluster.admin, fleet.strategy, { spec: { patches: [kubeletPatch] } });
    await cluster.startOperator();
    await fleet.until('another run', (status) => status.run !== undefined && status.run.id !== run?.id);
    await endsWell(fleet);
  });
});

describe('a strategy that is moved to a pool with a lower epoch', () => {
  it('is planned there, and the operator continues', async () => {
    const from = await cluster.fleet('moved-from', 1, 1);
    await from.apply(RUN);
    await from.untilState('applied');
    await cluster.crashOperator();
    await from.until('a second epoch', ({ run }) => run?.epoch === 2);
    const to = await cluster.fleet('moved-to', 1, 1);
    await mergePatch(cluster.admin, from.strategy, { spec: { poolRef: 'moved-to' } });
    await from.until(
      'a run in the other pool',
      ({ run, state }) => run?.pool === 'moved-to' && state === 'applied',
    );
    expect((await to.nodes()).map(({ status }) => status?.nodeInfo?.kernelVersion)).toEqual(['6.12.48']);
  });
});

describe('a claim without an active run', () => {
  it('is swept: its marks go, an event names its owner, and no host is opened on its word', async () => {
    const fleet = await cluster.fleet('swept', 2, 1);
    await fleet.untilPool('a leader', ({ epoch }) => epoch !== undefined);
    const [open, closedToNewWorkBefore] = await fleet.nodes();
    for (const node of [open, closedToNewWorkBefore]) {
      const { name = '', uid = '' } = node?.metadata ?? {};
      const claim = writeClaim(
        {
          run: 'run-of-nobody',
          pool: 'swept',
          epoch: 1,
          owner: { kind: 'PatchStrategy', namespace: 'careen-hosts', name: 'gone', uid: 'uid-of-nobody' },
          planDigest: 'sha256:0',
          stage: 0,
          level: 'away',
          closedToNewWorkBefore: node === closedToNewWorkBefore,
          since: new Date().toISOString(),
        },
        uid,
      );
      await mergePatch(
        cluster.admin,
        { apiVersion: 'v1', kind: 'Node', metadata: { name } },
        {
          metadata: { annotations: { [CLAIM_ANNOTATION]: claim } },
          spec: { unschedulable: true, taints: [{ key: MAINTENANCE_TAINT, effect: 'NoSchedule' }] },
        },
      );
    }
    await eventually('no mark is left', async () => marked(await fleet.nodes()).length === 0);
    expect(closed(await fleet.nodes())).toEqual([
      open?.metadata?.name,
      closedToNewWorkBefore?.metadata?.name,
    ]);
    const event = await eventAbout(cluster.admin, fleet.poolObject, 'ClaimSwept');
    expect(event.related).toMatchObject({ kind: 'Node' });
    expect(event.note).toMatch(
      /^swept-\d of PatchStrategy careen-hosts\/gone stays locked: its claim named an owner that does not exist/,
    );
  });
});

describe('a host that vanishes', () => {
  it('while it is out of service frees its permit, and the run goes on and says so', async () => {
    const fleet = await cluster.fleet('vanished', 2, 1);
    await stuckInDrain(cluster, fleet);
    await deleteNode(cluster.admin, 'vanished-0');
    const ended = await fleet.untilState('applied');
    expect(ended.message).toMatch(/vanished-0 no longer exists/);
    expect(ended.applyPhase?.stages[0]?.left).toMatchObject([{ name: 'vanished-0' }]);
    const nodes = await fleet.nodes();
    expect(nodes.map(({ status }) => status?.nodeInfo?.kernelVersion)).toEqual(['6.12.48']);
    await expectGivenBack(fleet);
  });
});
