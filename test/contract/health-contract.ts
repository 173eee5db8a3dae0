/** The part of the contract about the health of hosts. */
import { expect, it } from 'vitest';
import type { ContractCase } from './contract-case.ts';

const NOT_READY = 'node.cilium.io/agent-not-ready:NoSchedule';

/** Adds its cases to the contract; `opened` gives the running case. */
export function healthContract(opened: () => ContractCase): void {
  it('counts a host that is not ready as an alarm and out of service, unless somebody works on it', async () => {
    const c = opened();
    const { name: sick } = await c.watched('sick');
    await c.fixture.eventually('the host to be counted', () => c.view().fleet.total === 1);
    expect(c.view().signal('alarms')?.alarms).toEqual([]);
    expect(c.view().fleet.outOfServiceByOthers).toEqual(new Set());

    await c.fixture.setReady(sick, false);
    const facts = await c.seen(sick, ({ ready }) => !ready);
    expect(facts.alarms).not.toEqual([]);
    expect(c.view().signal('alarms')?.alarms).toMatchObject([{ host: sick }]);
    expect(c.view().fleet.outOfServiceByOthers).toEqual(new Set([sick]));

    await c.claimed(facts);
    expect(c.view().signal('alarms')?.alarms).toEqual([]);
    expect(c.view().fleet.outOfServiceByOthers).toEqual(new Set());
  });

  it('shows alarm conditions and the taints of others, and counts a host that is not in service by its taint', async () => {
    const c = opened();
    const { name: back } = await c.watched('back');
    await c.fixture.report(back, 'KernelDeadlock');
    await c.fixture.report(back, 'FeelsFine');
    const { alarms } = await c.seen(back, (facts) => facts.alarms.length > 0);
    expect(alarms).toMatchObject([{ id: 'KernelDeadlock', since: expect.any(Number) as number }]);
    expect(c.view().signal('alarms')?.alarms).toMatchObject([{ host: back, id: 'KernelDeadlock' }]);

    await c.fixture.taint(back, 'example.com/gpu');
    await c.seen(back, ({ foreignTaints }) => foreignTaints.includes('example.com/gpu:NoSchedule'));
    expect(c.view().fleet.outOfServiceByOthers).toEqual(new Set());
    await c.fixture.taint(back, 'node.cilium.io/agent-not-ready');
    // A new node may have taints of its cluster, too.
    const claimable = await c.seen(back, ({ foreignTaints }) => foreignTaints.includes(NOT_READY));
    expect(c.view().fleet.outOfServiceByOthers).toEqual(new Set([back]));

    const { foreignTaints } = await c.claimed(claimable);
    expect(foreignTaints).toEqual(expect.arrayContaining(['example.com/gpu:NoSchedule', NOT_READY]));
    expect(c.view().fleet.outOfServiceByOthers).toEqual(new Set());
  });
}
