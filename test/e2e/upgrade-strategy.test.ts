import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import { BEHAVIOUR_ANNOTATION } from '../support/hosts/host-standin.ts';
import { QUICK } from '../support/operator/strategies.ts';
import { Cluster, marked, type Fleet } from './cluster.ts';
import { expectGivenBack } from './given-back.ts';
import { untilGone } from './until-gone.ts';
import { mostClosed } from './watch-closed.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(async () => cluster.stop());

const parallel = { workerApplyType: 'parallel', maxParallelWorkerHosts: 10 };
const job = {
  template: { spec: { containers: [{ name: 'upgrade', image: 'registry.example.com/upgrade:1' }] } },
};
const WITHOUT_STAGING = { controller: { action: { job } }, worker: { action: { job } } };
const OLD = 'v1.36.3';
const NEW = 'v1.36.4';

async function versions(fleet: Fleet): Promise<(string | undefined)[]> {
  return (await fleet.nodes()).map(({ status }) => status?.nodeInfo?.kubeletVersion);
}

/** The names of the stages with their hosts. */
function stagesOf({ applyPhase }: StrategyStatus): string[] {
  const stages = applyPhase?.stages ?? [];
  return stages.map(({ name, hosts = [] }) => `${name.replace('sw-upgrade-', '')} ${hosts.join(' ')}`);
}

/** Waits until a worker of the fleet is being upgraded. */
async function untilWorkers(fleet: Fleet): Promise<void> {
  await fleet.until('an upgrade of workers', ({ progress }) =>
    (progress?.hosts ?? []).some(
      ({ name, jobs }) => !name.includes('control') && jobs?.[0]?.action === 'worker',
    ),
  );
}

describe('an upgrade strategy', () => {
  it('shows its plan, and carries it out although the operator is killed among the workers', async () => {
    const fleet = (await cluster.fleet('crash', 6, 2, {}, 3)).upgrade();
    await fleet.apply(parallel);
    expect(stagesOf(await fleet.untilState('ready-to-apply'))).toEqual([
      'stage-hosts crash-control-0 crash-control-1 crash-control-2',
      'stage-hosts crash-0 crash-1 crash-2 crash-3 crash-4 crash-5',
      'start crash-control-0',
      'controllers crash-control-0',
      'controllers crash-control-1',
      'controllers crash-control-2',
      'worker-hosts crash-0 crash-1',
      'worker-hosts crash-2 crash-3',
      'worker-hosts crash-4 crash-5',
      'complete crash-control-0',
    ]);
    const most = await mostClosed(fleet, async () => {
      await fleet.order({ mode: 'Run' });
      await untilWorkers(fleet);
      await cluster.crashOperator();
      await fleet.untilState('applied');
    });
    expect(most).toBeLessThanOrEqual(2);
    expect(await versions(fleet)).toEqual(Array(9).fill(NEW));
    expect(await fleet.status()).toMatchObject({ stages: '10/10', completedRelease: NEW });
    await expectGivenBack(fleet);
  });

  it('gives its hosts back on Abort among the workers, and goes on with those that are left', async () => {
    const fleet = (await cluster.fleet('resume', 6, 2, {}, 3)).upgrade();
    await fleet.annotate('resume-3', { [BEHAVIOUR_ANNOTATION]: 'silent' });
    const timing = { ...QUICK, upgradeTimeoutSeconds: 8, stageTimeoutSeconds: 8 };
    await fleet.apply({ ...parallel, hosts: WITHOUT_STAGING, timing, execution: { mode: 'Run' } });
    await fleet.until('resume-3 at work', ({ progress }) =>
      (progress?.hosts ?? []).some(({ name, jobs }) => name === 'resume-3' && jobs !== undefined),
    );
    await fleet.order({ mode: 'Abort' });
    await fleet.untilState('aborted');
    await expectGivenBack(fleet);
    const done = await versions(fleet);
    expect(done.filter((each) => each === OLD).length).toBeGreaterThanOrEqual(3);

    await fleet.annotate('resume-3', { [BEHAVIOUR_ANNOTATION]: 'honest' });
    await fleet.order({ mode: 'Hold' });
    const planned = stagesOf(await fleet.untilState('ready-to-apply'));
    expect(planned.join()).not.toContain('controllers');
    expect(planned.join()).not.toContain('resume-0');
    await fleet.order({ mode: 'Run' });
    await fleet.untilState('applied');
    expect(await versions(fleet)).toEqual(Array(9).fill(NEW));
    await expectGivenBack(fleet);
  });

  it('and a patch strategy of the same name on one pool share its limit, leave each other alone, and are removed at their end', async () => {
    const patches = await cluster.fleet('both', 4, 1);
    const upgrade = patches.upgrade();
    const most = await mostClosed(patches, async () => {
      await Promise.all([
        patches.apply({ ...parallel, execution: { mode: 'Run' } }),
        upgrade.apply({ ...parallel, execution: { mode: 'Run' } }),
      ]);
      await Promise.all([patches.untilState('applied', 90), upgrade.untilState('applied', 90)]);
    });
    expect(most).toBe(1);
    expect(await versions(upgrade)).toEqual(Array(4).fill(NEW));
    await patches.untilKernel('6.12.48');
    await expectGivenBack(patches);
    const runs = [(await patches.status()).run?.id, (await upgrade.status()).run?.id];
    expect(new Set(runs).size).toBe(2);

    await patches.pool(1, { retention: { maxFinished: 0 } });
    await Promise.all([untilGone(cluster, patches.strategy), untilGone(cluster, upgrade.strategy)]);
  });

  it('to a release below the present one says so and touches nothing', async () => {
    const fleet = (await cluster.fleet('below', 1, 1)).upgrade();
    await fleet.apply({ release: { version: 'v1.35.9' }, execution: { mode: 'Run' } });
    const { message } = await fleet.untilState('build-failed');
    expect(message).toContain('spec.release.version is "v1.35.9": it is below v1.36.3, which below-0 has');
    expect(marked(await fleet.nodes())).toEqual([]);
    expect(await fleet.jobs()).toEqual([]);
  });
});
