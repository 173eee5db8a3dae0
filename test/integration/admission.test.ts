import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generatedFiles } from '../../scripts/generate.ts';
import { hostPoolDefinition, type HostPoolStatus } from '../../src/crds/host-pool.ts';
import {
  maintenanceWebhookDefinition,
  type MaintenanceWebhookStatus,
} from '../../src/crds/maintenance-webhook.ts';
import { maintenanceNoticeDefinition } from '../../src/crds/maintenance-notice.ts';
import { MAINTENANCE_NOTICE, MAINTENANCE_WEBHOOK } from '../../src/crds/names.ts';
import type { SessionStatus } from '../../src/crds/observed/session-progress.ts';
import type { CrdDefinition } from '../../src/crds/schema/custom-resource-definition.ts';
import { call } from '../../src/kube/client.ts';
import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import { isStrategyKind, STRATEGY_KINDS } from '../../src/crds/strategy-kinds.ts';
import { ACCEPTED, REFUSED } from '../support/controlplane/admission/rows.ts';
import {
  apply,
  patchStatus,
  read,
  readManifests,
  tryCreate,
  type Manifest,
} from '../support/controlplane/apply.ts';
import { connect, startControlPlane, type ControlPlane } from '../support/controlplane/controlplane.ts';
import { POD_FIELDS_FILE, podFieldsOf } from '../support/controlplane/pod-schema.ts';
import {
  webhookManifest,
  WEBHOOKS_ACCEPTED,
  WEBHOOKS_REFUSED,
} from '../support/controlplane/admission/tenant-rows.ts';
import { NOTICES_ACCEPTED, NOTICES_REFUSED } from '../support/controlplane/admission/session-rows.ts';
import { eventually } from '../support/eventually.ts';
import { DEPLOY, listedFiles } from '../support/controlplane/installation.ts';
import { installCareen } from '../support/operator/operator.ts';
import { bootcExample } from './bootc-example.ts';
import {
  poolManifest,
  sessionManifest,
  strategyManifest,
  upgradeManifest,
} from '../support/operator/strategies.ts';

const ROOT = join(import.meta.dirname, '..', '..');

let plane: ControlPlane;
let admin: KubeConfig;

beforeAll(async () => {
  plane = await startControlPlane();
  admin = connect(plane.kubeconfig);
  await installCareen(admin);
  // The API server begins to serve a new kind a moment after it accepted the definition.
  await eventually('the kinds are served', async () => {
    try {
      await apply(
        admin,
        strategyManifest('probe', 'careen-hosts'),
        upgradeManifest('probe', 'careen-hosts'),
        webhookManifest('probe'),
        sessionManifest('probe'),
        poolManifest('probe', 1),
      );
      return true;
    } catch {
      return false;
    }
  });
});
afterAll(async () => plane.stop());

it('has pods with the recorded fields, each of which a policy judges', async () => {
  const document = await call(admin, { method: 'GET', path: '/openapi/v2' });
  await expect(`${JSON.stringify(podFieldsOf(document), null, 2)}\n`).toMatchFileSnapshot(POD_FIELDS_FILE);
});

const TIME = '2026-11-23T09:30:00Z';
const webhookStatus: MaintenanceWebhookStatus = {
  observedGeneration: 1,
  lastDeliveryTime: TIME,
  conditions: [
    {
      ...{ type: 'Ready', status: 'False', reason: 'NotDelivered', message: 'connection refused' },
      ...{ observedGeneration: 1, lastTransitionTime: TIME },
    },
  ],
};
const sessionStatus: SessionStatus = {
  ...{ state: 'PLANNED_MAINTENANCE', previousState: 'START_MAINTENANCE' },
  ...{ maintained: '0/1', nextDeadline: TIME },
  hosts: [
    { name: 'controller-0', type: 'controller', maintained: false },
    { name: 'worker-1', type: 'compute', maintained: false },
  ],
  closed: [{ name: 'worker-1', closedToNewWorkBefore: false, since: TIME }],
  projects: [
    {
      ...{ id: 'team-a', question: 3, asked: 'PLANNED_MAINTENANCE', askedAt: TIME, replyBy: TIME },
      ...{ extendedSeconds: 60, instances: ['i-1'] },
      answer: { kind: 'ACK', actions: { 'i-1': 'LIVE_MIGRATE' }, assumed: true },
    },
  ],
  members: ['team-a'],
  questions: [
    {
      ...{ instance: 'i-1', host: 'worker-1', project: 'team-a', question: 5, asked: 'PLANNED_MAINTENANCE' },
      ...{ askedAt: TIME, replyBy: TIME, migrationType: 'MIGRATE', groups: ['team-a/db'] },
      answer: { kind: 'ACK', action: 'MIGRATE' },
    },
  ],
  recovering: [{ instance: 'i-2', group: 'team-a/db', until: TIME }],
  moves: [{ instance: 'i-1', host: 'worker-1', project: 'team-a', action: 'LIVE_MIGRATE', done: false }],
  scaleIn: { room: 1.5, rounds: 2 },
  events: [
    { id: '4', type: 'session', state: 'PLANNED_MAINTENANCE', percentDone: 50 },
    {
      ...{ id: '5', type: 'project', state: 'PLANNED_MAINTENANCE', project: 'team-a', instances: ['i-1'] },
      ...{ allowedActions: ['MIGRATE'], replyBy: TIME, actionsAt: TIME },
    },
    { id: '6', type: 'host', state: 'IN_MAINTENANCE', host: 'worker-1' },
  ],
  told: 7,
};
const poolStatus: HostPoolStatus = {
  observedGeneration: 1,
  epoch: 7,
  limit: 2,
  hosts: 20,
  away: 1,
  outOfService: { count: 1, hosts: ['worker-3'] },
  permits: [{ host: 'worker-1', run: 'r1', level: 'away', since: TIME }],
  runs: [
    {
      id: 'r1',
      owner: { kind: 'PatchStrategy', namespace: 'careen-hosts', name: 'kernel', uid: 'u1' },
    },
  ],
  conditions: [
    {
      type: 'Ready',
      status: 'True',
      reason: 'Serving',
      message: '',
      observedGeneration: 1,
      lastTransitionTime: TIME,
    },
  ],
};
const strategyStatus: StrategyStatus = {
  run: {
    id: 'r1',
    planDigest: 'd',
    specDigest: 's',
    fleetRevision: 'f',
    builtAt: TIME,
    pool: 'default',
    epoch: 7,
    authority: { throughStage: 2 },
    abortedIn: 'Suspend',
    abortedBecause: 'Suspend has kept worker-1 out of service',
    suspendedSince: TIME,
    change: 'worker-3 is new',
  },
  requests: [{ id: 'q1', verb: 'retry', answer: 'refused', message: 'nothing failed', time: TIME }],
  progress: {
    stage: 0,
    step: 'verify',
    hosts: [
      {
        name: 'worker-1',
        level: 'away',
        step: 'verify',
        attempt: 1,
        since: TIME,
        result: 'wait',
        closedToNewWorkBefore: false,
        uncordoned: true,
        releaseAsked: true,
      },
    ],
  },
  conditions: [
    {
      type: 'ForeignUncordon',
      status: 'True',
      reason: 'HostUncordoned',
      message: 'worker-1',
      observedGeneration: 1,
      lastTransitionTime: TIME,
    },
  ],
};

describe('the custom resource definitions', () => {
  it('are equal to the generated ones', async () => {
    for (const [path, content] of await generatedFiles())
      expect(await readFile(join(ROOT, path), 'utf8'), path).toBe(content);
  });

  it('are structural, with a description on every field', async () => {
    for (const file of await listedFiles(join(DEPLOY, 'crds'))) {
      const [definition] = await readManifests(file);
      const found = JSON.stringify(await read(admin, definition as Manifest));
      expect(found).toContain('"type":"Established"');
      expect(found).not.toContain('NonStructuralSchema');
      expect(undescribed(JSON.parse(found))).toEqual([]);
    }
  });

  it('default omitted fields', async () => {
    const plain = strategyManifest('plain', 'careen-hosts');
    await apply(admin, plain);
    expect(await read(admin, plain)).toMatchObject({
      spec: {
        poolRef: 'default',
        workerApplyType: 'serial',
        maxParallelWorkerHosts: 2,
        execution: { mode: 'Hold' },
        drain: { evictUnmanagedPods: false },
        timing: { drainTimeoutSeconds: 1800 },
        onForeignUncordon: 'pause',
      },
    });
    expect(await read(admin, poolManifest('probe', 1))).toMatchObject({
      spec: {
        paused: false,
        allowedNamespaces: ['careen-hosts'],
        actionPolicy: { privileged: true, serviceAccounts: [], secrets: [] },
      },
    });
  });

  it.each([...ACCEPTED, ...WEBHOOKS_ACCEPTED, ...NOTICES_ACCEPTED])(
    'accept, and default like the command line: $name',
    async ({ manifest }) => {
      const { spec } = definitionOf(manifest);
      expect(await tryCreate(admin, manifest)).toHaveProperty('spec', spec.parse(manifest['spec']));
    },
  );

  it('keep the whole status', async () => {
    for (const [manifest, status] of [
      [webhookManifest('probe'), webhookStatus],
      [poolManifest('probe', 1), poolStatus],
      [strategyManifest('probe', 'careen-hosts'), strategyStatus],
      [upgradeManifest('probe', 'careen-hosts'), strategyStatus],
      [sessionManifest('probe'), { ...strategyStatus, session: sessionStatus }],
    ] as const) {
      await patchStatus(admin, manifest, status);
      expect(await read(admin, manifest)).toMatchObject({ status });
    }
  });

  it('refuse a pool that changes from nodes to compute hosts, or back', async () => {
    const cloud = { openstack: { identityRef: { name: 'login', cloudName: 'lab' } } };
    const why = 'must not change from kubernetes to openstack, or back';
    await apply(admin, poolManifest('of-nodes', 1));
    await expect(apply(admin, poolManifest('of-nodes', 1, { provider: cloud }))).rejects.toThrow(why);
    await apply(admin, poolManifest('of-cloud', 1, { provider: cloud }));
    await expect(apply(admin, poolManifest('of-cloud', 1))).rejects.toThrow(why);
    await apply(admin, poolManifest('of-cloud', 2, { provider: cloud }));
  });

  it('accept the examples and the default pool', async () => {
    for (const name of ['team-a', 'team-net'])
      await apply(admin, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    for (const file of [
      'examples/patch-strategy.yaml',
      'examples/host-pool.yaml',
      'examples/sixty-nodes/host-pool.yaml',
      'examples/sixty-nodes/patch-strategy.yaml',
      'examples/upgrade-kubelet/upgrade-strategy.yaml',
      'examples/upgrade-k3s/upgrade-strategy.yaml',
      'examples/upgrade-k3s/upgrade-strategy-rke2.yaml',
      'examples/upgrade-bootc/upgrade-strategy.yaml',
      'examples/openstack/pool.yaml',
      'examples/openstack/playbooks.yaml',
      'examples/openstack/strategy.yaml',
      'examples/openstack/upgrade-playbooks.yaml',
      'examples/openstack/upgrade-strategy.yaml',
      'examples/sessions/database/manifests.yaml',
      'examples/sessions/vnf-manager/manifests.yaml',
      'deploy/pools/host-pool-default.yaml',
    ]) {
      await apply(admin, ...(await readManifests(join(ROOT, file))));
    }
  });
});

bootcExample(() => admin);

describe('a wrong manifest is refused, naming the field', () => {
  it.each([...REFUSED, ...WEBHOOKS_REFUSED, ...NOTICES_REFUSED])(
    '$name',
    async ({ manifest, path, by, says }) => {
      const answer = await tryCreate(admin, manifest).catch(String);
      expect(answer).toContain(by === 'rule' ? `${path}: Invalid value: ` : path);
      expect(answer).toMatch(by === 'rule' ? new RegExp(`: ${RegExp.escape(String(says))}$`) : says);
    },
  );
});

describe('a wrong status is refused, naming the field', () => {
  const cases: readonly [string, Manifest, object, RegExp][] = [
    ['an epoch of nothing', poolManifest('probe', 1), { epoch: 0 }, /status\.epoch/],
    [
      'an unknown answer',
      strategyManifest('probe', 'careen-hosts'),
      { requests: [{ id: 'q', answer: 'perhaps', message: '', time: TIME }] },
      /requests\[0\]\.answer.*supported values/,
    ],
  ];

  it.each(cases)('%s', async (_name, manifest, status, message) => {
    await expect(patchStatus(admin, manifest, status)).rejects.toThrow(message);
  });
});

function definitionOf({ kind }: Manifest): CrdDefinition {
  if (isStrategyKind(kind)) return STRATEGY_KINDS[kind].definition;
  if (kind === MAINTENANCE_NOTICE) return maintenanceNoticeDefinition;
  return kind === MAINTENANCE_WEBHOOK ? maintenanceWebhookDefinition : hostPoolDefinition;
}

/** Paths of schema properties without a description. */
function undescribed(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]: [string, unknown]) => {
    const here =
      key === 'properties' && typeof child === 'object' && child !== null ? Object.entries(child) : [];
    const bare = here
      .filter(([name, field]) => name !== 'metadata' && !hasDescription(field))
      .map(([name]) => `${path}.${name}`);
    return [...bare, ...undescribed(child, key === 'properties' ? path : `${path}.${key}`)];
  });
}

function hasDescription(field: unknown): boolean {
  return typeof field === 'object' && field !== null && 'description' in field;
}
