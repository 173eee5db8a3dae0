import { afterAll, beforeAll, expect, it } from 'vitest';
import { createNodes } from '../support/hosts/simulated-nodes.ts';
import { startOperator } from '../support/operator/operator.ts';
import { Cluster } from './cluster.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start((kubeconfig) =>
    startOperator(kubeconfig, { environment: { NODE_NAME: 'control-0' } }),
  );
});
afterAll(async () => cluster.stop());

it("the leading operator's own controller is planned last of the controllers", async () => {
  const fleet = await cluster.fleet('control', 0, 1);
  const labels = { pool: 'control', 'node-role.kubernetes.io/control-plane': '' };
  const names = ['control-0', 'control-1', 'control-2'];
  await createNodes(
    cluster.admin,
    names.map((name) => ({ name, labels, kernelVersion: '6.12.41' })),
  );
  await fleet.apply();
  const { applyPhase } = await fleet.until('a plan for all', ({ stages }) => stages === '0/3');
  expect(applyPhase?.stages.map(({ name, hosts }) => [name, hosts])).toEqual([
    ['sw-patch-controllers', ['control-1']],
    ['sw-patch-controllers', ['control-2']],
    ['sw-patch-controllers', ['control-0']],
  ]);
});
