/** execution.plan: only the reviewed plan is applied. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import { mergePatch } from '../support/controlplane/apply.ts';
import { createNodes } from '../support/hosts/simulated-nodes.ts';
import { Cluster, closed, marked, type Fleet } from './cluster.ts';

const OTHER = `sha256:${'0'.repeat(64)}`;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(async () => cluster.stop());

function isHeld(plan: string, difference: string): (status: StrategyStatus) => boolean {
  return ({ state, message, run }) =>
    state === 'ready-to-apply' &&
    run?.planDigest !== plan &&
    Boolean(message?.includes(`nothing begins yet: execution.plan is ${plan}, the plan is now`)) &&
    Boolean(message?.includes(difference));
}

async function untouched(fleet: Fleet): Promise<void> {
  const nodes = await fleet.nodes();
  expect([...closed(nodes), ...marked(nodes)]).toEqual([]);
}

it('a plan that is not the reviewed one waits, names the difference, and continues after its review', async () => {
  const fleet = await cluster.fleet('pinned', 2, 1);
  await fleet.apply();
  const first = await fleet.untilState('ready-to-apply');
  await fleet.order({ mode: 'Run', plan: OTHER });
  await fleet.until('a plan that is not begun', isHeld(OTHER, first.run?.planDigest ?? 'none'));

  const joining = { labels: { pool: 'pinned' }, kernelVersion: '6.12.41', kubeletVersion: 'v1.36.3' };
  await createNodes(cluster.admin, [{ name: 'pinned-2', ...joining }]);
  const second = await fleet.until(
    'the new host in the difference',
    isHeld(OTHER, 'differs from the last plan: added: pinned-2; 3 stages instead of 2'),
  );
  await untouched(fleet);

  const reviewed = second.run?.planDigest ?? '';
  await fleet.order({ plan: reviewed, throughStage: 0 });
  await fleet.until('a wait before stage 1', ({ stages, conditions }) =>
    Boolean(stages === '1/3' && conditions?.some(({ reason }) => reason === 'ThroughStageReached')),
  );

  const edit = { timing: { verifyTimeoutSeconds: 800 }, execution: { throughStage: null } };
  await mergePatch(cluster.admin, fleet.strategy, { spec: edit });
  const third = await fleet.until(
    'what is left, planned anew and not begun',
    isHeld(reviewed, 'differs from the last plan: edited: spec.timing'),
  );
  expect(third.applyPhase?.stages.map(({ hosts }) => hosts)).toEqual([['pinned-1'], ['pinned-2']]);
  await untouched(fleet);

  await fleet.order({ plan: third.run?.planDigest });
  await fleet.untilState('applied');
});
