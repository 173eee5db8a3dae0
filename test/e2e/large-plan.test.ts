/** A plan that is too large for one object: on a real API server, from its build to the second PlanStage. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { apply, list, mergePatch, type Manifest } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import { createNodes } from '../support/hosts/simulated-nodes.ts';
import { kubeletPatch, poolManifest } from '../support/operator/strategies.ts';
import { careen } from '../support/operator/careen-cli.ts';
import { Cluster, Fleet } from './cluster.ts';

const POOL = 'large';
/** As long as the name of a node may be, nearly: so fewer nodes make a large plan. */
const LONG = ['a', 'b', 'c'].map((letter) => letter.repeat(63)).join('.') + `.${'d'.repeat(55)}`;
const COUNT = 98;
const HOSTS = Array.from({ length: COUNT }, (_, i) => `w-${String(i).padStart(2, '0')}.${LONG}`);

const planStage = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: z.object({ firstStage: z.number(), hosts: z.number() }),
  status: z.object({ stages: z.array(z.object({ id: z.number(), result: z.string() })).optional() }),
});

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(async () => cluster.stop());

/** The PlanStages by their stages. */
async function parts(): Promise<readonly z.infer<typeof planStage>[]> {
  const { items } = await list(cluster.admin, planStageNamed('any'), '');
  const all = items.map((item) => planStage.parse(item));
  return all.toSorted((a, b) => a.spec.firstStage - b.spec.firstStage);
}

function planStageNamed(name: string): Manifest {
  const metadata = { name, namespace: 'careen-hosts' };
  return { apiVersion: 'careen.dev/v1alpha1', kind: 'PlanStage', metadata };
}

it('is stored in PlanStages that nobody can change, carried out part by part, and shown whole', async () => {
  await createNodes(
    cluster.admin,
    HOSTS.map((name, i) => ({
      name,
      labels: { pool: POOL, 'kubernetes.io/hostname': `w-${String(i)}` },
      kernelVersion: '6.12.41',
      kubeletVersion: 'v1.36.3',
    })),
  );
  await apply(cluster.admin, poolManifest(POOL, 1));
  const fleet = new Fleet(cluster, POOL, HOSTS);
  await fleet.apply({ patches: [kubeletPatch], workerApplyType: 'serial' });
  const built = await fleet.untilState('ready-to-apply');
  const stored = await parts();
  const [first, second] = stored;
  if (!first || !second) throw new Error('two PlanStages were expected at least');
  expect(built).toMatchObject({
    stages: `0/${String(COUNT)}`,
    run: { planStages: { count: stored.length } },
  });
  expect(JSON.stringify(built).length).toBeLessThan(32 * 1024);
  expect(stored.reduce((sum, { spec }) => sum + spec.hosts, 0)).toBe(COUNT);
  expect(built.applyPhase?.stages).toHaveLength(second.spec.firstStage);

  const edit = mergePatch(cluster.admin, planStageNamed(second.metadata.name), { spec: { hosts: 1 } });
  await expect(edit).rejects.toThrow(/a plan does not change: edit the strategy/);

  await mergePatch(cluster.admin, fleet.strategy, { spec: { timing: { verifyTimeoutSeconds: 800 } } });
  await fleet.until('another plan', ({ run }) => run !== undefined && run.id !== built.run?.id);
  await eventually('the PlanStages of the plan before are gone', async () => {
    const names = (await parts()).map(({ metadata }) => metadata.name);
    return names.length === stored.length && !names.includes(first.metadata.name);
  });

  const turned = second.spec.firstStage;
  await fleet.order({ mode: 'Run', throughStage: turned });
  const { applyPhase } = await fleet.until('a wait in the second part', ({ stages, conditions }) =>
    Boolean(
      stages === `${String(turned + 1)}/${String(COUNT)}` &&
      conditions?.some(({ reason }) => reason === 'ThroughStageReached'),
    ),
  );
  expect(applyPhase).toMatchObject({
    earlier: { stages: turned, hosts: turned, left: 0, result: 'success' },
  });
  const [ended, open] = await parts();
  expect(ended?.status.stages?.map(({ id, result }) => [id, result])).toEqual(
    Array.from({ length: turned }, (_, id) => [id, 'success']),
  );
  expect(open?.status.stages).toBeUndefined();

  const environment = { KUBECONFIG: cluster.plane.kubeconfig };
  const shown = await careen(['status', POOL, '-n', 'careen-hosts', '-o', 'json'], { environment });
  expect(shown).toMatchObject({ status: 0, err: '' });
  const report = z
    .object({
      stages: z.array(z.object({ result: z.string() })),
      hosts: z.object({ total: z.number(), done: z.number() }),
    })
    .parse(JSON.parse(shown.out));
  expect(report.stages.filter(({ result }) => result === 'success')).toHaveLength(turned + 1);
  expect(report).toMatchObject({ stages: { length: COUNT }, hosts: { total: COUNT, done: turned + 1 } });
});
