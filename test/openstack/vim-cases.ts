/** The cases of strategies with a profile of the VIM, most of which is its pauses: faults.test.ts runs them beside others. */
import { expect, it } from 'vitest';
import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import { enclose } from '../support/openstack/enclosed.ts';
import { migrationRecords } from '../support/openstack/observer.ts';
import type { OperatedCloud } from '../support/openstack/operated-cloud.ts';
import { firmwarePatch } from '../support/operator/strategies.ts';

/** The number of a host, and of one in no pool, which takes its server in. */
type Places = { readonly host: number; readonly refuge: number };

const ONE_STAGE = { mode: 'Run', throughStage: 0 };
const SECONDS = 240;

/** Whether the run pauses after its first stage, or has ended with it. */
function hasStageDone({ stages = '', conditions = [], state }: StrategyStatus): boolean {
  const isOver = state === 'applied' || conditions.some(({ reason }) => reason === 'ThroughStageReached');
  return stages.startsWith('1/') && isOver;
}

function firstStage({ applyPhase }: StrategyStatus) {
  const { hosts = [], steps = [] } = applyPhase?.stages[0] ?? {};
  return { hosts, steps: steps.map(({ name }) => name) };
}

/** A host with a server, which can move to the refuge. */
async function occupied({ cloudAdmin: admin, openStack }: OperatedCloud, name: string, places: Places) {
  const [host = '', refuge = ''] = [places.host, places.refuge].map((each) => openStack.hosts[each]);
  const { flavor } = await enclose(admin, name, [host, refuge]);
  const { id } = await admin.bootServer(name, { host, flavor });
  const expectEmptied = async (): Promise<void> => {
    expect(await admin.server(id)).toMatchObject({ status: 'ACTIVE', host: refuge });
    expect((await migrationRecords(admin, id)).map(({ type, status }) => [type, status])).toEqual([
      ['live-migration', 'completed'],
    ]);
    const service = await admin.serviceOf(host);
    expect(service).toMatchObject({ status: 'enabled', disabledReason: undefined });
  };
  return { host, expectEmptied };
}

/**
 * @param cloudOf is called when the cloud runs
 * @param latest are the numbers of the two hosts of the strategy of vim-2024
 * @param earlier are those of the strategy of vim-2020
 */
export function vimCases(cloudOf: () => OperatedCloud, latest: readonly number[], earlier: Places): void {
  it('carries out a stage as the VIM of 2024 plans it', async () => {
    const cloud = cloudOf();
    const { cloudAdmin: admin, openStack } = cloud;
    const hosts = latest.map((place) => openStack.hosts[place] ?? '');
    await admin.setEnabled(hosts.at(-1) ?? '', false, 'a fan is broken');
    const stateOf = async () =>
      (await admin.computeServices())
        .filter(({ host }) => hosts.includes(host))
        .map(({ host, status, disabledReason }) => [host, status, disabledReason]);
    const before = await stateOf();
    const fleet = await cloud.fleet('vim', hosts, {
      pool: { maxUnavailable: 2 },
      strategy: { profile: 'vim-2024', workerApplyType: 'serial' },
    });
    await fleet.apply({ execution: ONE_STAGE });
    const status = await fleet.until('the end of stage 0', hasStageDone, SECONDS);
    expect([status.run?.actions?.profile, status.stages]).toEqual(['vim-2024', '1/2']);
    const {
      steps,
      hosts: [host = ''],
    } = firstStage(status);
    expect(steps.slice(0, 2)).toEqual(['query-alarms', 'migrate-instances-from-host']);
    expect(steps.at(-1)).toBe('wait-alarms-clear');
    // The host that a person has disabled is rebooted in a step of its own, and stays disabled.
    const isTheirs = before.some(([name, state]) => name === host && state === 'disabled');
    expect(steps.includes('lock-hosts')).toBe(!isTheirs);
    expect(steps.includes('reboot-hosts')).toBe(isTheirs);
    expect(await stateOf()).toEqual(before);
  });

  it('carries out a stage as the VIM of 2020 plans it: services are disabled before servers move', async () => {
    const { host, expectEmptied } = await occupied(cloudOf(), 'vim-2020', earlier);
    const fleet = await cloudOf().fleet('vim-2020', [host], {
      strategy: { profile: 'vim-2020', workerApplyType: 'parallel' },
    });
    await fleet.apply({ execution: ONE_STAGE });
    const status = await fleet.until('the end of stage 0', hasStageDone, SECONDS);
    expect(status.run?.actions?.profile).toBe('vim-2020');
    expect(firstStage(status)).toEqual({
      hosts: [host],
      steps: [
        ...['query-alarms', 'disable-host-services', 'migrate-instances', 'lock-hosts', 'sw-patch-hosts'],
        ...['system-stabilize', 'unlock-hosts', 'system-stabilize'],
      ],
    });
    await expectEmptied();
  });
}

/** @param cloudOf is called when the cloud runs */
export function vimUpgradeCases(cloudOf: () => OperatedCloud, places: Places): void {
  it('upgrades a host as the VIM of 2020 plans it, till it is in service again', async () => {
    const { host, expectEmptied } = await occupied(cloudOf(), 'vim-upgrade', places);
    const fleet = (await cloudOf().fleet('vim-upgrade', [host])).upgrade();
    await fleet.apply({
      ...{ profile: 'vim-2020', hosts: { worker: { action: firmwarePatch.action } } },
      ...{ start: undefined, activate: undefined, complete: undefined },
      execution: ONE_STAGE,
    });
    // The rest of the stage is the pause that the other cases await.
    const isUnlocked = ({ applyPhase }: StrategyStatus): boolean =>
      applyPhase?.stages[0]?.steps.some(
        ({ name, result }) => name === 'unlock-hosts' && result === 'success',
      ) === true;
    const status = await fleet.until('the unlock', isUnlocked, SECONDS);
    expect(status.run?.actions?.profile).toBe('vim-2020');
    expect(firstStage(status)).toEqual({
      hosts: [host],
      steps: [
        ...['query-alarms', 'migrate-instances', 'lock-hosts', 'upgrade-hosts', 'unlock-hosts'],
        'system-stabilize',
      ],
    });
    await expectEmptied();
  });
}
