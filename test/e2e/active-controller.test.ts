import { afterAll, beforeAll, expect, it } from 'vitest';
import { createNodes } from '../support/hosts/simulated-nodes.ts';
import { listedApiServer, OWN_ADDRESS, unlistApiServers } from '../support/network/listed-api-server.ts';
import { startOperator } from '../support/operator/operator.ts';
import { closed, Cluster } from './cluster.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start((kubeconfig) =>
    startOperator(kubeconfig, { environment: { NODE_NAME: 'control-0' } }),
  );
});
afterAll(async () => cluster.stop());

const CONTROL = { 'node-role.kubernetes.io/control-plane': '' };

it("the leading operator's own controller is planned last of the controllers", async () => {
  const fleet = await cluster.fleet('control', 0, 1);
  const labels = { pool: 'control', ...CONTROL };
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

it('a controller is taken when enough API servers of the others are ready again, which no event reports', async () => {
  const front = await listedApiServer(cluster.admin, cluster.plane.server);
  front.refuse();
  const fleet = await cluster.fleet('members', 0, 1);
  const software = { labels: { pool: 'members', ...CONTROL }, kernelVersion: '6.12.41' };
  await createNodes(cluster.admin, [
    { name: 'members-0', internalIp: '127.0.0.9', ...software },
    { name: 'members-1', internalIp: OWN_ADDRESS, ...software },
    { name: 'members-2', internalIp: OWN_ADDRESS, ...software },
  ]);
  await fleet.apply({ execution: { mode: 'Run' } });
  const { message } = await fleet.until('a refusal', (status) => /readyz/.test(status.message ?? ''));
  const url = `https://${OWN_ADDRESS}:${String(front.port)}/readyz`;
  expect(message).toContain(
    'waiting for permits: without members-0 0 of 3 controllers would be in service, a quorum needs 2 ' +
      `(out of service: members-1: ${url}: `,
  );
  expect(closed(await fleet.nodes())).toEqual([]);

  front.heal();
  const isTaken = ({ name }: { readonly name: string }): boolean => name === 'members-0';
  await fleet.until('an outage', ({ progress }) => progress?.hosts.some(isTaken) ?? false);
  await unlistApiServers(cluster.admin);
  await front.close();
});
