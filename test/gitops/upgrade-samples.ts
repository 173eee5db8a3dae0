/** A status for every state that only upgrades have. */
import { UPGRADE_STRATEGY } from '../../src/crds/names.ts';
import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import type { NewHost } from '../../src/hostops/simulated/simulated-objects.ts';
import { statusOfRun } from '../../src/status/stored/codec.ts';
import { job, RELEASE } from '../unit/support/simulated-run.ts';
import { objectOf, TIME, type Samples } from './sample.ts';
import { GENERATION, Teller } from './teller.ts';

const controllers: readonly NewHost[] = ['c-1', 'c-2', 'c-3'].map((name) => ({
  name,
  labels: { 'node-role.kubernetes.io/control-plane': '' },
}));
const FLEET: readonly NewHost[] = [...controllers, { name: 'w-1' }, { name: 'w-2' }];
const each = { action: { job }, stage: { job }, rollback: { job }, rebootRequired: true };
const WHOLE = {
  hosts: { controller: each, worker: each },
  ...{ start: { job }, activate: { job }, complete: { job }, storageApplyType: 'ignore' },
};

const FAILS = { 'stage-worker': { exitCode: 1 } };

/** The fleet, with another first controller. */
const withFirst = (first: Partial<NewHost>): readonly NewHost[] =>
  FLEET.map((host, at) => (at === 0 ? { ...host, ...first } : host));

/** A host has joined since the run ended, with another release than the others. */
async function drifted(teller: Teller): Promise<StrategyStatus> {
  const run = await teller.started();
  await run.settle();
  const shown = { reasons: [], order: { mode: 'Run' }, lacking: ['w-9'] } as const;
  return statusOfRun(await teller.shown(run), run.run, shown, GENERATION, TIME);
}

/** The samples by the names of their states in docs/guides/gitops.md. */
export async function upgradeSamples(): Promise<Samples> {
  const upgrade = new Teller(UPGRADE_STRATEGY, WHOLE, FLEET);
  const upgraded = FLEET.map((host) => ({ ...host, nodeInfo: { 'nodeInfo.kubeletVersion': RELEASE } }));
  const lenient = new Teller(UPGRADE_STRATEGY, { ...WHOLE, maxUnstagedHosts: 1 }, FLEET);
  const wayBack = new Teller(UPGRADE_STRATEGY, { ...WHOLE, rollback: true }, upgraded);
  const failing = (work: string) => ({ hosts: withFirst({ jobs: { [work]: { exitCode: 1 } } }) });
  const statuses: Record<string, StrategyStatus> = {
    'its hosts are staged': await upgrade.after({
      story: (run) => run.until(() => run.step === 'stage-hosts'),
    }),
    'staging failed, no host was locked': await upgrade.after({ options: failing('stage-controller') }),
    'a hook runs': await upgrade.after({ story: (run) => run.until(() => run.step === 'start-upgrade') }),
    'a hook waits for a quorum of controllers': await upgrade.after({
      story: async (run) => {
        await run.until(() => run.step === 'stage-hosts');
        run.world.changeHost('c-2', { closedToNewWork: true });
        await run.elapse(300_000);
      },
    }),
    'a hook failed': await upgrade.after({ options: failing('start') }),
    'hosts that were left out lack the release, activate waits': await lenient.after({
      options: { hosts: FLEET.map((host) => (host.name === 'w-1' ? { ...host, jobs: FAILS } : host)) },
    }),
    'upgraded, with all hooks': await upgrade.after({}),
    'upgraded, a host that joined since lacks the release': await drifted(upgrade),
    'brought back': await wayBack.after({}),
    'brought back, a host that joined since has the release': await drifted(wayBack),
    'no way back, since it was activated': await wayBack.built(upgraded, {
      before: { activatedRelease: RELEASE },
    }),
  };
  const object = objectOf(UPGRADE_STRATEGY, GENERATION);
  return new Map(Object.entries(statuses).map(([name, status]) => [name, object(status)] as const));
}
