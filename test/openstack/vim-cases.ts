/** The case of a strategy with a profile of the VIM, most of which is its pauses: faults.test.ts runs it beside others. */
import { expect, it } from 'vitest';
import type { OperatedCloud } from '../support/openstack/operated-cloud.ts';

/**
 * @param cloudOf is called when the cloud runs
 * @param places are the numbers of two hosts of this case
 */
export function vimCases(cloudOf: () => OperatedCloud, places: readonly number[]): void {
  it('carries out a stage as the VIM plans it', async () => {
    const cloud = cloudOf();
    const { cloudAdmin: admin, openStack } = cloud;
    const hosts = places.map((place) => openStack.hosts[place] ?? '');
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
    await fleet.apply({ execution: { mode: 'Run', throughStage: 0 } });
    const { applyPhase, run } = await fleet.until(
      'the end of stage 0',
      ({ stages, conditions = [] }) =>
        stages === `1/${String(hosts.length)}` &&
        conditions.some(({ reason }) => reason === 'ThroughStageReached'),
      240,
    );
    expect(run?.actions).toMatchObject({ profile: 'vim-2024' });
    const names = applyPhase?.stages[0]?.steps.map(({ name }) => name) ?? [];
    expect(names.slice(0, 2)).toEqual(['query-alarms', 'migrate-instances-from-host']);
    expect(names.at(-1)).toBe('wait-alarms-clear');
    const [host = ''] = applyPhase?.stages[0]?.hosts ?? [];
    // The host that a person has disabled is rebooted in a step of its own, and stays disabled.
    const isTheirs = before.some(([name, status]) => name === host && status === 'disabled');
    expect(names.includes('lock-hosts')).toBe(!isTheirs);
    expect(names.includes('reboot-hosts')).toBe(isTheirs);
    expect(await stateOf()).toEqual(before);
  });
}
