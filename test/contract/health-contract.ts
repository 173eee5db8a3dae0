/** The part of the contract about the health of hosts. */
import { expect, it } from 'vitest';
import { itWhere, type ContractCase, type ContractFeatures } from './contract-case.ts';

const NOT_READY = 'node.cilium.io/agent-not-ready:NoSchedule';

/** Adds its cases to the contract; `opened` gives the running case. */
export function healthContract(opened: () => ContractCase, { taints }: ContractFeatures): void {
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

  itWhere(
    taints,
    'shows alarm conditions and the taints of others, and counts a host that is not in service by its taint',
    async () => {
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
    },
  );

  it('counts the controllers of the pool, and those that are out of service, with a claim or without', async () => {
    const c = opened();
    const { name: worker } = await c.watched('worker');
    const { name: controller } = await c.watched('controller', {
      labels: { 'node-role.kubernetes.io/control-plane': '' },
    });
    const controllers = (): string =>
      JSON.stringify(Object.values(c.view().fleet.controllers).map((each) => [...each]));
    const isSeen = (down: readonly string[]) => () => controllers() === JSON.stringify([[controller], down]);
    await c.fixture.eventually('one controller', isSeen([]));
    // No API server of this controller is known: its state as a host decides.
    expect(await c.fixture.ops.memberHealth(c.fixture.scope, [controller], c.signal)).toEqual({
      down: new Map(),
    });

    await c.fixture.setReady(worker, false);
    await c.fixture.close(controller);
    await c.fixture.eventually('a closed one', isSeen([controller]));
    await c.fixture.open(controller);
    await c.fixture.eventually('an open one', isSeen([]));

    const facts = await c.seen(controller, ({ closedToNewWork }) => !closedToNewWork);
    await c.claimed(facts);
    await c.fixture.setReady(controller, false);
    await c.fixture.eventually('one that is not ready', isSeen([controller]));
  });

  it('knows the version of the control plane, and the deprecated APIs that are in use', async () => {
    const { version, deprecatedApis } = await opened().fixture.ops.platform();
    expect(version).toMatch(/^v1\.\d+\.\d+/);
    // No release says of an API that it serves now when it will be gone.
    expect(deprecatedApis).toEqual([]);
  });
}
