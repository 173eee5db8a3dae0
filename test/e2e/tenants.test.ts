/** Projects that are told by webhooks, and answer by them: in the response, and by PUT to the address that they were told. */
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { call } from '../../src/kube/client.ts';
import { apply, type Manifest } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import { ExampleProcess } from '../support/example-process.ts';
import { freePorts, listening } from '../support/network/loopback.ts';
import { startOperator } from '../support/operator/operator.ts';
import { Cluster } from './cluster.ts';
import { expectGivenBack } from './given-back.ts';
import { Project } from './project.ts';

const SECRET = 'a key that nobody else knows, of some length';

let cluster: Cluster;
let manager: ExampleProcess;
let receiverPort: number;
/** The states that the receiver was asked about, in order, each once. */
const told = new Map<string, string>();

const cloudEvent = z.looseObject({
  id: z.string(),
  data: z.looseObject({
    state: z.string(),
    instance_ids: z.array(z.string()).optional(),
    allowed_actions: z.array(z.string()).default([]),
  }),
});

/** To these the receiver gives the answer to another question, once. */
const mistaken = new Set(['MAINTENANCE']);

/** Agrees to everything in its response, if the signature is right. */
const receiver = createServer((request, response) => {
  void (async () => {
    const body = await text(request);
    const [, time = '', sum = ''] =
      /^t=(\d+),v1=([0-9a-f]+)$/.exec(String(request.headers['careen-signature'])) ?? [];
    const right = createHmac('sha256', SECRET).update(`${time}.${body}`).digest('hex');
    if (sum !== right) return response.writeHead(401).end();
    const { id, data } = cloudEvent.parse(JSON.parse(body));
    told.set(id, data.state);
    if (data.state === 'INSTANCE_ACTION_DONE') return response.writeHead(204).end();
    const actions = Object.fromEntries((data.instance_ids ?? []).map((uid) => [uid, 'MIGRATE'] as const));
    const asksForActions = data.allowed_actions.length > 0;
    const to = mistaken.delete(data.state) ? 'SCALE_IN' : data.state;
    const answer = { state: `ACK_${to}`, ...(asksForActions ? { instance_actions: actions } : {}) };
    return response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
  })();
});

function webhook(namespace: string, spec: Record<string, unknown>): Manifest {
  return {
    ...{ apiVersion: 'careen.dev/v1alpha1', kind: 'MaintenanceWebhook' },
    ...{ metadata: { name: 'hook', namespace }, spec },
  };
}

const webhookList = z.looseObject({
  items: z.array(
    z.looseObject({
      status: z
        .looseObject({
          conditions: z.array(z.looseObject({ reason: z.string(), message: z.string() })).default([]),
        })
        .optional(),
    }),
  ),
});

/** What each webhook says of its last delivery. */
async function readyConditions(): Promise<{ readonly reason?: string; readonly message?: string }[]> {
  const path = '/apis/careen.dev/v1alpha1/maintenancewebhooks';
  const { items } = webhookList.parse(await call(cluster.admin, { method: 'GET', path }));
  return items.map(({ status }) => status?.conditions[0] ?? {});
}

beforeAll(async () => {
  const [port = 0] = await freePorts(1);
  const environment = {
    CAREEN_REPLIES_URL: `http://127.0.0.1:${String(port)}`,
    CAREEN_REPLIES_PORT: String(port),
    CAREEN_REPLIES_KEY: 'k'.repeat(40),
  };
  cluster = await Cluster.start((kubeconfig) => startOperator(kubeconfig, { environment }));
  receiverPort = await listening(receiver);
  manager = new ExampleProcess('vnf-manager/manager.mjs', [], {
    ...{ PORT: '0', PROJECT: 'told-b', ACTION: 'MIGRATE', SCALE_COMMAND: '/bin/true' },
  });
});
afterAll(async () => {
  await manager.stop();
  receiver.close();
  await cluster.stop();
});

it('projects that are told by a CloudEvents webhook and by event alarms agree without a person, once a mistake is mended', async () => {
  const fleet = (await cluster.fleet('told', 2, 1)).session();
  await fleet.pool(1, { tenants: { webhookHosts: ['127.0.0.1'], allowHttp: true } });
  const [a, b] = [new Project(cluster.admin, 'told-a'), new Project(cluster.admin, 'told-b')];
  await Promise.all([a.start('told', 1), b.start('told', 1)]);
  const metadata = { name: 'careen-webhook', namespace: 'told-a' };
  await apply(
    cluster.admin,
    { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { secret: SECRET } },
    {
      ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'careen-tenant' },
      subjects: [{ kind: 'ServiceAccount', name: 'careen', namespace: 'careen-system' }],
    },
    webhook('told-a', {
      ...{
        url: `http://127.0.0.1:${String(receiverPort)}/maintenance`,
        secretRef: { name: 'careen-webhook' },
      },
    }),
    webhook('told-b', {
      url: `http://127.0.0.1:${String(await manager.port())}/maintenance`,
      format: 'EventAlarm',
    }),
  );
  await fleet.apply({ execution: { mode: 'Run' } });
  await eventually('the webhook says that its answer was refused', async () => {
    const ready = (await readyConditions()).find(({ reason }) => reason === 'AnswerRefused');
    return ready?.message === 'state is ACK_SCALE_IN; it must be ACK_MAINTENANCE or NACK_MAINTENANCE';
  });
  await a.answer(await a.question('MAINTENANCE'));
  const { session } = await fleet.until(
    'the end, with all told',
    (status) => status.state === 'applied' && status.session?.events.length === 0,
  );
  expect(session).toMatchObject({ state: 'MAINTENANCE_DONE', maintained: '2/2' });
  expect([...told.values()]).toContain('MAINTENANCE');
  expect([...told.values()].at(-1)).toBe('MAINTENANCE_COMPLETE');
  const notice = await a.until('the end', (status) => status.session?.state === 'MAINTENANCE_DONE');
  expect(notice.status.answer).toBe('ACK');
  await eventually('the webhooks say so', async () =>
    (await readyConditions()).every(({ reason }) => reason === 'Delivered'),
  );
  await expectGivenBack(fleet);
});
