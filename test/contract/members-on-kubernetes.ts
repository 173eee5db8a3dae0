/** Whether controllers serve, asked of a real API server and a real etcd, with exactly the rights of the operator. */
import { readFile } from 'node:fs/promises';
import { connect as connectTo } from 'node:net';
import { join } from 'node:path';
import { createServer, rootCertificates } from 'node:tls';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostPoolSpec } from '../../src/crds/host-pool.ts';
import type { MemberHealth } from '../../src/engine/view.ts';
import type { KubernetesHostOps } from '../../src/hostops/kubernetes/kubernetes-host-ops.ts';
import { grantedRights, untilGranted } from '../support/audit/rights.ts';
import { apply } from '../support/controlplane/apply.ts';
import type { ControlPlane } from '../support/controlplane/controlplane.ts';
import { DEPLOY, installation } from '../support/controlplane/installation.ts';
import { eventually } from '../support/eventually.ts';
import { createNodes, deleteNodes } from '../support/hosts/simulated-nodes.ts';
import { listedApiServer, OWN_ADDRESS, unlistApiServers } from '../support/network/listed-api-server.ts';
import { listening } from '../support/network/loopback.ts';
import type { TcpProxy } from '../support/network/tcp-proxy.ts';
import { OPERATOR_ACCOUNT } from '../support/operator/operator.ts';

const LABEL = 'careen-test/members';
const CONTROL = { 'node-role.kubernetes.io/control-plane': '' };
const SECRET = 'careen-etcd';

export type Cluster = {
  readonly admin: KubeConfig;
  readonly controlPlane: ControlPlane;
  readonly ops: KubernetesHostOps;
};

export function membersOnKubernetes(cluster: () => Cluster): void {
  describe('The API servers of controllers on a real control plane', () => {
    const members = { 'm-0': '127.0.0.9', 'm-1': OWN_ADDRESS, 'm-2': '127.0.0.2' };
    let front: TcpProxy;
    beforeAll(async () => {
      const { admin, controlPlane } = cluster();
      front = await listedApiServer(admin, controlPlane.server);
      await addControllers(admin, 'servers', members);
    });
    afterAll(async () => {
      await unlistApiServers(cluster().admin);
      await front.close();
      await deleteNodes(cluster().admin, Object.keys(members));
    });

    it('count as they answer, also one that is not listed any more, and none that refuses', async () => {
      const ask = await asking(cluster(), 'servers', ['m-1', 'm-2']);
      const dead = `https://127.0.0.2:${String(front.port)}/readyz: fetch failed: connect ECONNREFUSED 127.0.0.2:`;
      const { down, unknown } = await ask();
      expect([...down]).toEqual([['m-2', expect.stringContaining(dead) as string]]);
      expect(unknown).toBeUndefined();

      front.refuse();
      front.cut();
      expect([...(await ask()).down.keys()]).toEqual(['m-1', 'm-2']);
      front.heal();
      expect([...(await ask()).down.keys()]).toEqual(['m-2']);
    });
  });

  describe('The members of a real etcd', () => {
    const keys: RequestOptions = {};
    const stops: (() => void)[] = [];
    let trusting: number;
    let distrusting: number;
    beforeAll(async () => {
      const { admin, controlPlane } = cluster();
      // The certificates of the testbed serve on loopback, and identify a client.
      await admin.applyToHTTPSOptions(keys);
      const etcd = await etcdPort(controlPlane);
      trusting = await tlsFront(etcd, keys, keys.ca, stops);
      distrusting = await tlsFront(etcd, keys, rootCertificates[0], stops);
      const rights = await installation(join(DEPLOY, 'optional', 'etcd'));
      const roles = rights.filter(({ kind }) => kind !== 'NetworkPolicy');
      await apply(admin, ...roles);
      await untilGranted(admin, OPERATOR_ACCOUNT, grantedRights(roles, OPERATOR_ACCOUNT));
      await addControllers(admin, 'etcd', { 'e-0': '127.0.0.1', 'e-1': '127.0.0.1', 'e-2': '127.0.0.1' });
    });
    afterAll(async () => {
      for (const stop of stops) stop();
      await deleteNodes(cluster().admin, ['e-0', 'e-1', 'e-2']);
    });

    const store = async (data: Readonly<Record<string, unknown>>): Promise<void> => {
      const text = Object.entries(data).map(([name, value]) => [
        name,
        Buffer.from(String(value)).toString('base64'),
      ]);
      const secret = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: SECRET, namespace: 'careen-system' },
      };
      await apply(cluster().admin, { ...secret, data: Object.fromEntries(text) as unknown });
    };
    const health = async (port: number): Promise<MemberHealth> =>
      (await asking(cluster(), 'etcd', ['e-1'], { secretName: SECRET, port }))();

    it('count when they are healthy, and are asked only with all keys', async () => {
      expect((await health(trusting)).unknown).toContain(`but secrets "${SECRET}" not found; give it ca.crt`);
      await store({ 'ca.crt': keys.ca, 'tls.crt': keys.cert });
      expect((await health(trusting)).unknown).toContain('but it has no tls.key; give it');
      await store({ 'ca.crt': keys.ca, 'tls.crt': keys.cert, 'tls.key': keys.key });
      expect(await health(trusting)).toEqual({ down: new Map() });
    });

    it('are down when they refuse our certificate, show a wrong one, or do not answer; with the reason', async () => {
      await store({ 'ca.crt': keys.ca, 'tls.crt': keys.cert, 'tls.key': keys.key });
      const at = (port: number): string => `https://127.0.0.1:${String(port)}/health: `;
      const why = async (port: number): Promise<string> => (await health(port)).down.get('e-1') ?? '';
      expect(await why(distrusting)).toMatch(/^https:.*\/health: .* \(with the certificate of its Secret\)$/);
      expect(await why(1)).toContain(`${at(1)}fetch failed: connect ECONNREFUSED 127.0.0.1:1`);
      await store({ 'ca.crt': rootCertificates[0], 'tls.crt': keys.cert, 'tls.key': keys.key });
      expect(await why(trusting)).toContain(`${at(trusting)}fetch failed: self-signed certificate`);
    });
  });
}

/** Asks these controllers; `etcd` as in the spec of a pool. */
async function asking(
  { ops }: Cluster,
  group: string,
  names: readonly string[],
  etcd?: { readonly secretName: string; readonly port: number },
): Promise<() => Promise<MemberHealth>> {
  const kubernetes = { nodeSelector: { [LABEL]: group }, ...(etcd ? { etcd } : {}) };
  const { provider, roles, health } = hostPoolSpec.parse({ provider: { kubernetes }, maxUnavailable: 1 });
  const scope = { pool: group, provider, before: [], roles, health };
  ops.fleet(scope, () => undefined);
  await eventually('three controllers', () => ops.view(scope).fleet.controllers.all.size === 3);
  return async () => ops.memberHealth(scope, names, new AbortController().signal);
}

async function addControllers(
  admin: KubeConfig,
  group: string,
  members: Readonly<Record<string, string>>,
): Promise<void> {
  const labels = { ...CONTROL, [LABEL]: group };
  await createNodes(
    admin,
    Object.entries(members).map(([name, internalIp]) => ({ name, labels, internalIp })),
  );
}

async function etcdPort({ etcdPid }: ControlPlane): Promise<number> {
  const command = await readFile(`/proc/${String(etcdPid)}/cmdline`, 'utf8');
  return Number(/--listen-client-url=http:\/\/127\.0\.0\.1:(\d+)/.exec(command)?.[1]);
}

/** The etcd of the testbed knows no TLS. This adds it: clients show a certificate of the given CA. */
async function tlsFront(
  etcd: number,
  { cert, key }: RequestOptions,
  ca: RequestOptions['ca'],
  stops: (() => void)[],
): Promise<number> {
  const trust = { requestCert: true, rejectUnauthorized: true, ...(ca ? { ca } : {}) };
  const server = createServer({ ...(cert ? { cert } : {}), ...(key ? { key } : {}), ...trust }, (client) => {
    const target = connectTo(etcd, '127.0.0.1');
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const)
      one.on('error', () => undefined).on('close', () => other.destroy());
    client.pipe(target).pipe(client);
  });
  stops.push(() => void server.close());
  return listening(server);
}
