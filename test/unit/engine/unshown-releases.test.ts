/** An upgrade of hosts that show no release: each run does its work once on each host. */
import { describe, expect, it } from 'vitest';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { shownBy } from '../../../src/planner/hosts/shown-release.ts';
import { openAndFree, workers } from '../support/fleets.ts';
import { ask } from '../support/requests.ts';
import { SimulatedRun, upgradeSpec, type RunOptions } from '../support/simulated-run.ts';
import { actions, job } from '../support/upgrade-runs.ts';

const { provider } = hostPoolSpec.parse({
  ...{ provider: { openstack: { identityRef: { name: 'login', cloudName: 'lab' } } }, maxUnavailable: 2 },
});
const each = { action: { job }, rebootRequired: true, stage: { job } };
const upgrade = shownBy(
  provider,
  upgradeSpec({
    ...{ hosts: { worker: each }, start: { job }, complete: { job } },
    ...{ workerApplyType: 'parallel', timing: { stabilizeSeconds: 0 } },
  }),
);

async function start(options: Partial<RunOptions> = {}): Promise<SimulatedRun> {
  const shown: RunOptions['shown'] = (facts) => ({ ...facts, bootId: undefined, facts: {} });
  return SimulatedRun.start({ hosts: workers(2), upgrade, shown, restarts: true, ...options });
}

describe('an upgrade that no fact shows', () => {
  it('stages, upgrades and reboots each host once, with its hooks, across restarts', async () => {
    const run = await start();
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(actions(run).toSorted()).toEqual(
      [
        ...['stage-worker w-1', 'stage-worker w-2', 'start w-1', 'worker w-1', 'worker w-2'],
        ...['reboot w-1', 'reboot w-2', 'complete w-1'],
      ].toSorted(),
    );
    openAndFree(run);
  });

  it('waits before its end for a request about a host that was left out, which nobody could see upgraded', async () => {
    const spec = { ...upgrade, maxUnstagedHosts: 1 };
    const run = await start({ upgrade: spec });
    const fails = () =>
      [...run.world.jobs.values()].find(({ host, state }) => host === 'w-2' && state === 'running');
    await run.until(() => fails() !== undefined);
    run.world.changeJob(fails()?.key ?? '', { state: 'failed', failure: 'no space is left' });
    await run.settle();
    expect(run.reasons.join()).toMatch(
      /w-2 lacks v1\.36\.4 and was left out: place the request skip-host for it/,
    );
    expect(await ask(run, { verb: 'skip-host', host: 'w-2' })).toMatch(/^accepted/);
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(actions(run).filter((action) => action.endsWith('w-2'))).toEqual(['stage-worker w-2']);
  });
});
