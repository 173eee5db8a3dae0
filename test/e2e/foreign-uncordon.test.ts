/** Somebody uncordons a host that Careen works on: the effects of the strategy's onForeignUncordon. */
import type { Condition } from '../../src/crds/observed/conditions.ts';
import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BEHAVIOUR_ANNOTATION } from '../support/hosts/host-standin.ts';
import { cordon, uncordon } from './by-hand.ts';
import { Cluster, closed } from './cluster.ts';
import { eventAbout } from './events.ts';
import { expectGivenBack } from './given-back.ts';
import { stuckInDrain } from './stuck-in-drain.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(async () => cluster.stop());

describe('a host that somebody uncordons during its drain', () => {
  it('waits until it is cordoned again (pause, the default)', async () => {
    const fleet = await cluster.fleet('pausing', 1, 1);
    const { release } = await stuckInDrain(cluster, fleet);
    await uncordon(cluster.admin, 'pausing-0');
    const paused = await fleet.until('the condition', isUncordoned);
    const why =
      'pausing-0 was uncordoned by somebody while we work on it: kubectl cordon pausing-0 to go on, or abort';
    expect(conditionOf(paused)).toMatchObject({ reason: 'HostUncordoned', message: `pausing-0: ${why}` });
    expect(paused.message).toContain(why);
    const event = await eventAbout(cluster.admin, fleet.strategy, 'HostUncordoned');
    expect(event.related).toMatchObject({ kind: 'Node', name: 'pausing-0' });
    await release();
    expect(closed(await fleet.nodes())).toEqual([]);
    expect(await fleet.jobs()).toEqual([]);

    await cordon(cluster.admin, 'pausing-0');
    const ended = await fleet.untilState('applied');
    expect(conditionOf(ended)).toMatchObject({ status: 'False', message: '' });
    await expectGivenBack(fleet);
  });

  it('is cordoned again (recordon)', async () => {
    const fleet = await cluster.fleet('again', 1, 1);
    const { release } = await stuckInDrain(cluster, fleet, { onForeignUncordon: 'recordon' });
    await uncordon(cluster.admin, 'again-0');
    await eventAbout(cluster.admin, fleet.strategy, 'HostUncordoned');
    await fleet.until('a host that is closed again', (status) => !isUncordoned(status));
    expect(closed(await fleet.nodes())).toEqual(['again-0']);
    await release();
    await fleet.untilState('applied');
    await expectGivenBack(fleet);
  });

  it('fails its step and is released as it is (fail)', async () => {
    const fleet = await cluster.fleet('failed', 1, 1);
    await stuckInDrain(cluster, fleet, { onForeignUncordon: 'fail' });
    await uncordon(cluster.admin, 'failed-0');
    const ended = await fleet.untilState('apply-failed');
    expect(ended.message).toContain('failed-0 was uncordoned by somebody while we work on it');
    await expectGivenBack(fleet);
  });
});

describe('a host that somebody uncordons under a Job', () => {
  it('is named at once, and no further Job begins after that one', async () => {
    const fleet = await cluster.fleet('working', 1, 1);
    await fleet.annotate('working-0', { [BEHAVIOUR_ANNOTATION]: 'silent' });
    await fleet.apply({
      execution: { mode: 'Run' },
      timing: { patchTimeoutSeconds: 8, settleSeconds: 0, stabilizeSeconds: 0 },
    });
    await fleet.until('a Job that runs', ({ message }) => / runs on working-0/.test(message ?? ''));
    await uncordon(cluster.admin, 'working-0');
    const status = await fleet.until('the condition', isUncordoned);
    expect(conditionOf(status)?.message).toMatch(/Job careen-\S+ runs on working-0.*uncordoned by somebody/);
    const ended = await fleet.until(
      'the end of the Job',
      ({ state }) => state?.startsWith('apply-') ?? false,
    );
    expect(ended.state).toMatch(/apply-(failed|timeout)/);
    expect(await fleet.jobs()).toHaveLength(1);
    // A failed host that is open needs no decision any more: only our marks are removed.
    await fleet.until('no host is held', ({ progress }) => (progress?.hosts ?? []).length === 0);
    await expectGivenBack(fleet);
  });
});

function conditionOf({ conditions = [] }: StrategyStatus): Condition | undefined {
  return conditions.find(({ type }) => type === 'ForeignUncordon');
}

function isUncordoned(status: StrategyStatus): boolean {
  return conditionOf(status)?.status === 'True';
}
