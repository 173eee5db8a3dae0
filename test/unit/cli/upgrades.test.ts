/** What `careen plan` and `careen simulate` say of an upgrade. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { plan } from '../../../src/cli/commands/plan.ts';
import { simulationText } from '../../../src/cli/simulate/simulation-text.ts';
import { keptIo } from '../../support/cli/kept-io.ts';
import { ROOT } from '../../support/operator/careen-cli.ts';
import { upgradeManifest } from '../../support/operator/strategies.ts';
import { inputs, simulated, workers } from '../support/simulations.ts';

const example = (name: string) => join(ROOT, 'examples', 'upgrade-kubelet', name);
const files = { filename: example('upgrade-strategy.yaml'), fleet: example('fleet.yaml') };
const job = { template: { spec: { containers: [{ name: 'upgrade', image: 'upgrade:1' }] } } };

/** An upgrade of this many workers. */
async function upgradeOf(amount: number, spec: Readonly<Record<string, unknown>>) {
  const made = await inputs({}, workers(amount));
  await writeFile(made.filename, dump(upgradeManifest('release', 'careen-hosts', spec)));
  return made;
}

async function planned(made: { readonly filename: string; readonly fleet: string }): Promise<string> {
  const io = keptIo({ width: 200 });
  await plan({ ...made, output: 'table' }, io);
  return io.printed;
}

describe('careen plan of an upgrade', () => {
  it('says that only hooks are left where all hosts have the release', async () => {
    const made = await inputs({}, [{ name: 'w-1', nodeInfo: { kubeletVersion: 'v1.36.4' } }]);
    await writeFile(made.filename, dump(upgradeManifest('release', 'careen-hosts', {})));
    expect(await planned(made)).toContain('no hosts, only hooks in 1 stage, about');
  });

  it.each([
    ['says how many hosts may fail to be staged', { maxUnstagedHosts: 2 }, true],
    ['does not say it where none may', {}, false],
    [
      'does not say it where nothing is staged',
      { maxUnstagedHosts: 2, hosts: { worker: { action: { job } } } },
      false,
    ],
  ])('%s', async (_what, spec, isSaid) => {
    const text = await planned(await upgradeOf(2, spec));
    expect(text.includes('Up to 2 hosts may fail to be staged')).toBe(isSaid);
  });
});

describe('careen simulate of an upgrade', () => {
  it('names a host once that is in several stages, where it stays locked', async () => {
    const { left, message } = await simulated({ ...files, fail: ['worker-0:upgrade-hosts'] });
    expect(left.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'worker-0 locked',
      'worker-3 not-reached',
    ]);
    expect(message).toContain('stage 6');
  });

  it('goes on without a host that may fail to be staged, which takes no later step', async () => {
    const made = await upgradeOf(2, { maxUnstagedHosts: 1, activate: undefined, complete: undefined });
    const simulation = await simulated({ ...made, fail: ['w-2:stage-hosts'] });
    expect(simulation).toMatchObject({ outcome: 'applied', left: [{ name: 'w-2', state: 'failed' }] });
    expect(simulation.message).toContain('w-2 was not staged: Job');
    const steps = simulation.stages.flatMap(({ name, hosts }) =>
      hosts.flatMap((host) =>
        host.name === 'w-2' ? [[name, ...host.steps.map((step) => step.name)].join(' ')] : [],
      ),
    );
    expect(steps).toEqual([
      'sw-upgrade-stage-hosts query-alarms stage-hosts',
      'sw-upgrade-worker-hosts query-alarms',
    ]);
    const both = await simulated({ ...made, fail: ['*:stage-hosts'] });
    expect(both).toMatchObject({ outcome: 'apply-failed' });
  });

  it('counts a host as done on which only a hook failed, and names the hook', async () => {
    const made = await upgradeOf(2, {});
    const simulation = await simulated({ ...made, fail: ['w-1:activate-upgrade'] });
    expect(simulation).toMatchObject({ outcome: 'apply-failed', left: [] });
    expect(simulationText(simulation, 120).join('\n')).toContain(
      '2 of 2 hosts done, the hook failed in activate-upgrade',
    );
  });

  it('waits before it activates, and says how to go on', async () => {
    const made = await upgradeOf(2, { maxUnstagedHosts: 1 });
    const simulation = await simulated({ ...made, fail: ['w-2:stage-hosts'] });
    expect(simulation).toMatchObject({
      outcome: 'applying',
      remedies: [{ command: 'careen skip w-2 release -n careen-hosts' }],
    });
    expect(simulation.message).toMatch(/waits before stage 4: w-2 lacks v1.36.4 and was left out: bring it/);
  });

  it('names each host of the plan once where the given one is unknown', async () => {
    const made = await upgradeOf(2, {});
    await expect(simulated({ ...made, fail: ['w-9:verify'] })).rejects.toThrow(/there is w-1, w-2$/);
  });
});
