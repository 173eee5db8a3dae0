/**
 * The kills of test/integration/kill.test.ts for the other classes of a run's
 * writes, which `make test` runs separately. `make kill-all` kills after every
 * write, with and without its answer.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Ending } from '../integration/disturbed-run.ts';
import { FaultScene } from '../integration/fault-scene.ts';
import {
  AT_TIMES,
  KILL_LEASE_SECONDS,
  OF_EACH_RUN,
  OF_MENDING,
  OF_WITHDRAWALS,
  ON_HOSTS,
} from '../integration/kill-points.ts';
import { HOSTS_NAMESPACE } from '../../src/crds/names.ts';
import { leftovers } from '../e2e/invariants.ts';
import { apply, mergePatch, remove } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import type { Unlisted, WriteClass } from '../support/audit/write-class.ts';

const EVERY_WRITE = process.env['CAREEN_KILL_ALL'] !== undefined;
vi.setConfig({ testTimeout: EVERY_WRITE ? 3_600_000 : 150_000 });

let scene: FaultScene;
let undisturbed: Ending;
let writes: readonly (WriteClass | Unlisted)[];
beforeAll(async () => {
  scene = await FaultScene.start(KILL_LEASE_SECONDS);
  ({ writes, ...undisturbed } = await scene.reference());
});
afterAll(async () => scene.stop());

const count = (write: WriteClass): number => writes.filter((each) => each === write).length;
const others = OF_EACH_RUN.filter((write) => !ON_HOSTS.some((each) => each === write));

describe('an operator that is killed after a write and restarted ends the run as if undisturbed:', () => {
  it.each(EVERY_WRITE ? [] : others)('%s', async (write) => {
    expect(count(write)).toBeGreaterThan(0);
    const nth = Math.ceil(count(write) / 2);
    expect(await scene.run(async () => scene.killAfter({ write, nth }))).toEqual(undisturbed);
  });

  it.each(EVERY_WRITE ? [...OF_EACH_RUN, ...AT_TIMES] : [])('%s, each', async (write) => {
    for (let nth = 1; nth <= count(write); nth++) {
      for (const heard of [false, true]) {
        const { wasDisturbed, ...ending } = await scene.run(async () =>
          scene.killAfter({ write, nth, heard }),
        );
        const point = `number ${String(nth)} of ${String(count(write))}, ${heard ? 'heard of' : 'not heard of'}`;
        console.log(`${write}, ${point}: ${wasDisturbed ? 'killed' : 'not written this time'}`);
        expect({ ...ending, wasDisturbed: true }, point).toEqual(undisturbed);
      }
    }
  });
});

describe('an operator that is killed after it has changed a Job back', () => {
  it('ends the run as if undisturbed', async () => {
    const ending = await scene.run(async ({ fleet }) => {
      const { deliver } = await scene.carriedOut('Job: make');
      for (const { metadata } of await fleet.jobs()) {
        const { name = '', namespace = '' } = metadata ?? {};
        const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, namespace } };
        await mergePatch(scene.cluster.admin, job, { spec: { backoffLimit: 4 } });
      }
      const killed = scene.killAfter({ write: OF_MENDING });
      deliver();
      await killed;
    });
    expect(ending).toEqual(undisturbed);
  });
});

describe('an operator that is killed while it withdraws the Jobs of an aborted run', () => {
  const quota = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'no-pods', namespace: HOSTS_NAMESPACE },
    spec: { hard: { pods: '0' } },
  };
  beforeAll(async () => apply(scene.cluster.admin, quota));
  afterAll(async () => remove(scene.cluster.admin, quota));

  it.each(OF_WITHDRAWALS)('gives the untouched hosts back: %s', async (write) => {
    const name = `withdrawn-${String(OF_WITHDRAWALS.indexOf(write))}`;
    const fleet = await scene.cluster.fleet(name, 2, 2);
    await fleet.apply({ workerApplyType: 'parallel', execution: { mode: 'Run' } });
    await fleet.until('Jobs that do not start', ({ message = '' }) => message.includes('has not started'));
    const killed = scene.killAfter({ write });
    await fleet.order({ mode: 'Abort' });
    await killed;
    await fleet.untilState('aborted', 90);
    let left: readonly string[] = [];
    const isClean = async (): Promise<boolean> => {
      left = leftovers(await fleet.nodes(), await fleet.poolStatus(), await fleet.jobs());
      return left.length === 0;
    };
    await eventually('nothing is left of the run', isClean, { seconds: 20, describe: () => left });
    await remove(scene.cluster.admin, fleet.strategy);
  });
});
