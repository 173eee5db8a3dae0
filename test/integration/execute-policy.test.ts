import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ABORT_ANNOTATION, REQUEST_ANNOTATION } from '../../src/crds/names.ts';
import {
  apply,
  mergePatch,
  patchStatus,
  read,
  remove,
  tryCreate,
  type Manifest,
} from '../support/controlplane/apply.ts';
import { connect, startControlPlane, type ControlPlane } from '../support/controlplane/controlplane.ts';
import { eventually } from '../support/eventually.ts';
import { DEPLOY, installation } from '../support/controlplane/installation.ts';
import { installCareen, OPERATOR_ACCOUNT } from '../support/operator/operator.ts';
import { untilGranted, type Account } from '../support/audit/rights.ts';
import { writeServiceAccountKubeconfig } from '../support/controlplane/service-account.ts';
import { kubeletPatch, strategyManifest, upgradeManifest } from '../support/operator/strategies.ts';
import { nodePolicy } from './node-policy.ts';

const NAMESPACE = 'careen-hosts';
const POLICIES = ['careen-execute', 'careen-node'];
const REMEDY =
  /requires the verb execute on patchstrategies\/\S+ in namespace careen-hosts, which the ClusterRole whose name contains careen-approver grants/;

let plane: ControlPlane;
let folder: string;
let admin: KubeConfig;
let editor: KubeConfig;
let approver: KubeConfig;
let operator: KubeConfig;
let strategies = 0;

beforeAll(async () => {
  plane = await startControlPlane();
  folder = await mkdtemp(join(tmpdir(), 'careen-execute-'));
  admin = connect(plane.kubeconfig);
  await installCareen(admin);
  editor = await person('editor');
  approver = await person('approver');
  operator = await login(OPERATOR_ACCOUNT);
  for (const policy of ['execute-policy', 'node-policy'])
    await apply(admin, ...(await installation(join(DEPLOY, 'optional', policy))));
  const run = strategyManifest('probe', NAMESPACE, { execution: { mode: 'Run' } });
  await eventually('the policy is in force', async () =>
    tryCreate(editor, run).then(
      () => false,
      (error: unknown) => REMEDY.test(String(error)),
    ),
  );
});
afterAll(async () => {
  await plane.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A service account with the role of that name in the namespace of the strategies. */
async function person(name: string): Promise<KubeConfig> {
  const account = { namespace: NAMESPACE, name };
  const role = `careen-${name}`;
  await apply(
    admin,
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: account,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'ServiceAccount', ...account }],
    },
  );
  const update = { group: 'careen.dev', resource: 'patchstrategies', verb: 'update', namespace: NAMESPACE };
  await untilGranted(admin, account, [update]);
  return login(account);
}

async function login({ namespace, name }: Account): Promise<KubeConfig> {
  const file = join(folder, name);
  await writeServiceAccountKubeconfig(admin, namespace, name, file);
  return connect(file);
}

type Fields = Readonly<Record<string, unknown>>;
type Before = {
  readonly execution?: Fields;
  readonly annotations?: Record<string, string>;
  readonly status?: Fields;
};

/** A strategy after writes of an approver and the operator. */
async function strategy({ execution = {}, annotations = {}, status }: Before): Promise<Manifest> {
  strategies += 1;
  const made = strategyManifest(`tried-${String(strategies)}`, NAMESPACE, { execution });
  await apply(admin, { ...made, metadata: { ...made.metadata, annotations } });
  if (status) await patchStatus(admin, made, status);
  return made;
}

const execution = (fields: Fields): Fields => ({ spec: { execution: fields } });
const annotation = (name: string, value: string | null): Fields => ({
  metadata: { annotations: { [name]: value } },
});
const request = JSON.stringify({ id: 'a1', verb: 'apply-all' });
const otherPatches = { spec: { patches: [kubeletPatch] } };
const digest = `sha256:${'0'.repeat(64)}`;
const answers = (answer: string, id = 'a1', verb = 'apply-all'): Fields => ({
  requests: [{ id, verb, answer, message: 'answered', time: '2026-11-26T03:00:00Z' }],
});
/** An approver's request that waits for the end of Suspend. */
const asked: Before = {
  execution: { mode: 'Suspend' },
  annotations: { [REQUEST_ANNOTATION]: request },
  status: answers('waiting'),
};
const runByRequest = {
  ...{ id: '1', pool: 'default', builtAt: '2026-11-25T03:00:00Z', authority: { throughStage: 0 } },
  ...{ planDigest: digest, specDigest: digest, fleetRevision: digest },
};
const progress = { stage: 0, step: 'verify', hosts: [] };

describe('an approver may, and an editor may not', () => {
  const cases: readonly [string, Before, Fields, RegExp][] = [
    ['set Run', {}, execution({ mode: 'Run' }), /spec\.execution\.mode: setting Run/],
    [
      'go back to Run after Abort',
      { execution: { mode: 'Abort' } },
      execution({ mode: 'Run' }),
      /execution\.mode: setting/,
    ],
    [
      'set throughStage',
      {},
      execution({ throughStage: 1 }),
      /spec\.execution\.throughStage: changing how far/,
    ],
    [
      'go back to Run after Suspend',
      { execution: { mode: 'Suspend' } },
      execution({ mode: 'Run' }),
      /execution\.mode: setting/,
    ],
    [
      'raise throughStage',
      { execution: { mode: 'Run', throughStage: 1 } },
      execution({ throughStage: 2 }),
      /throughStage: changing how far/,
    ],
    [
      'remove throughStage',
      { execution: { mode: 'Run', throughStage: 1 } },
      execution({ throughStage: null }),
      /throughStage: changing how far/,
    ],
    ['name the plan that may run', {}, execution({ plan: digest }), /execution\.plan: changing which plan/],
    [
      'let any plan run',
      { execution: { mode: 'Run', plan: digest } },
      execution({ plan: null }),
      /execution\.plan: changing which plan/,
    ],
    [
      'make a request',
      {},
      annotation(REQUEST_ANNOTATION, request),
      /metadata\.annotations\[careen\.dev\/request\]: making/,
    ],
    [
      'change a request',
      { annotations: { [REQUEST_ANNOTATION]: 'old' } },
      annotation(REQUEST_ANNOTATION, request),
      /request\]: making/,
    ],
    [
      'edit what has mode Run',
      { execution: { mode: 'Run' } },
      otherPatches,
      /spec\.patches: changing what runs/,
    ],
    [
      'edit and hold in one write',
      { execution: { mode: 'Run' } },
      { spec: { patches: [kubeletPatch], execution: { mode: 'Hold' } } },
      /spec\.patches: changing what runs/,
    ],
    [
      'edit what is applied, whatever its mode',
      { status: { state: 'applying' } },
      { spec: { workerApplyType: 'parallel', maxParallelWorkerHosts: 9 } },
      /spec\.maxParallelWorkerHosts, spec\.workerApplyType: changing|spec\.workerApplyType, spec\.maxParallelWorkerHosts: changing/,
    ],
    [
      'edit what is aborted',
      { status: { state: 'aborting' } },
      otherPatches,
      /spec\.patches: changing what runs/,
    ],
    [
      'edit what keeps hosts locked',
      { status: { state: 'apply-failed', progress } },
      otherPatches,
      /spec\.patches: changing what runs/,
    ],
    [
      'edit what a request lets run',
      { status: { state: 'ready-to-apply', run: runByRequest } },
      otherPatches,
      /spec\.patches: changing what runs/,
    ],
    [
      'edit while a request waits',
      asked,
      otherPatches,
      /spec\.patches: changing what runs .*a request waits/,
    ],
    [
      'edit before a request was observed',
      { annotations: { [REQUEST_ANNOTATION]: request } },
      otherPatches,
      /spec\.patches: changing what runs/,
    ],
    [
      'edit while a request waits, although an abort with its id was answered',
      { ...asked, status: answers('accepted', 'a1', 'abort') },
      otherPatches,
      /spec\.patches: changing what runs/,
    ],
    [
      'edit while a request waits, although one with a similar id was answered',
      {
        ...asked,
        annotations: { [REQUEST_ANNOTATION]: request.replace('a1', 'axb') },
        status: answers('accepted', 'a.b'),
      },
      otherPatches,
      /spec\.patches: changing what runs/,
    ],
    [
      'edit and hold while a request waits',
      asked,
      { spec: { patches: [kubeletPatch], execution: { mode: 'Hold' } } },
      /spec\.patches: changing what runs/,
    ],
    ...['Hold', 'Abort'].map((mode): [string, Before, Fields, RegExp] => [
      `end Suspend by ${mode} while a request waits`,
      asked,
      execution({ mode }),
      /execution\.mode: ending Suspend while the request .* has no answer/,
    ]),
    [
      'remove a field of what has mode Run',
      { execution: { mode: 'Run' } },
      { spec: { reboot: null, patches: [kubeletPatch] } },
      /spec\.reboot: changing what runs/,
    ],
  ];

  it.each(cases)('%s', async (_name, before, patch, field) => {
    const target = await strategy(before);
    await expect(mergePatch(editor, target, patch)).rejects.toThrow(field);
    await expect(mergePatch(editor, target, patch)).rejects.toThrow(REMEDY);
    await mergePatch(approver, target, patch);
  });
});

describe('an editor may', () => {
  const cases: readonly [string, Before, Fields][] = [
    [
      'hold what runs',
      { execution: { mode: 'Run' }, status: { state: 'applying' } },
      execution({ mode: 'Hold' }),
    ],
    [
      'abort what runs',
      { execution: { mode: 'Run' }, status: { state: 'applying' } },
      execution({ mode: 'Abort' }),
    ],
    [
      'suspend what runs',
      { execution: { mode: 'Run' }, status: { state: 'applying' } },
      execution({ mode: 'Suspend' }),
    ],
    ['ask for an abort', { execution: { mode: 'Run' } }, annotation(ABORT_ANNOTATION, 'a1')],
    [
      'withdraw a request',
      { annotations: { [REQUEST_ANNOTATION]: request } },
      annotation(REQUEST_ANNOTATION, null),
    ],
    ['edit what holds', { status: { state: 'ready-to-apply' } }, otherPatches],
    ['edit when the request was answered', { ...asked, status: answers('refused') }, otherPatches],
    [
      'edit and withdraw the request that waits',
      asked,
      { ...annotation(REQUEST_ANNOTATION, null), ...otherPatches },
    ],
    [
      'suspend while a request waits',
      { ...asked, execution: { mode: 'Hold' } },
      execution({ mode: 'Suspend' }),
    ],
    ['hold while a request waits', { ...asked, execution: { mode: 'Run' } }, execution({ mode: 'Hold' })],
    ['label what runs', { execution: { mode: 'Run' } }, { metadata: { labels: { team: 'a' } } }],
  ];

  it.each(cases)('%s', async (_name, before, patch) => {
    await mergePatch(editor, await strategy(before), patch);
  });

  it('create a strategy in Hold, and none in Run', async () => {
    const create = async (mode: string): Promise<unknown> =>
      tryCreate(editor, strategyManifest('made', NAMESPACE, { execution: { mode, throughStage: 3 } }));
    await create('Hold');
    await expect(create('Run')).rejects.toThrow(/spec\.execution\.mode: setting Run/);
    const made = strategyManifest('made', NAMESPACE);
    const withRequest = {
      ...made,
      metadata: { ...made.metadata, annotations: { [REQUEST_ANNOTATION]: request } },
    };
    await expect(tryCreate(editor, withRequest)).rejects.toThrow(/careen\.dev\/request\]: making a request/);
  });

  it('delete a running strategy: its hosts are released first', async () => {
    const target = await strategy({ execution: { mode: 'Run' } });
    await remove(editor, target);
    expect(await read(admin, target)).toBeUndefined();
  });
});

describe('an UpgradeStrategy is guarded like a PatchStrategy', () => {
  const run = execution({ mode: 'Run' });
  const otherRelease = { spec: { release: { version: 'v1.37.0' } } };

  it('in its start, its edits while it runs, and its creation', async () => {
    const made = upgradeManifest('guarded', NAMESPACE);
    await tryCreate(editor, made);
    await apply(editor, made);
    const remedy = /requires the verb execute on upgradestrategies\/guarded in namespace careen-hosts/;
    await expect(mergePatch(editor, made, run)).rejects.toThrow(remedy);
    await mergePatch(approver, made, run);
    await expect(mergePatch(editor, made, otherRelease)).rejects.toThrow(
      /spec\.release: changing what runs .* requires the verb execute on upgradestrategies/,
    );
    await mergePatch(approver, made, otherRelease);
    await mergePatch(editor, made, execution({ mode: 'Hold' }));
    await mergePatch(editor, made, otherRelease);
    await patchStatus(operator, made, { state: 'ready-to-apply' });
    await expect(
      tryCreate(editor, upgradeManifest('started', NAMESPACE, { execution: { mode: 'Run' } })),
    ).rejects.toThrow(/setting Run/);
  });
});

it('the operator may make all its writes', async () => {
  const target = await strategy({
    execution: { mode: 'Run' },
    annotations: { [REQUEST_ANNOTATION]: request },
  });
  await mergePatch(operator, target, { metadata: { finalizers: ['careen.dev/release-hosts'] } });
  await patchStatus(operator, target, { state: 'applying', progress });
  await mergePatch(operator, target, { metadata: { finalizers: [] } });
});

nodePolicy(() => ({ admin, operator }));

it.each(POLICIES)('the policy %s fits the schema of its objects', async (name) => {
  const policy = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
  };
  const statusSchema = z.looseObject({
    metadata: z.looseObject({ generation: z.number() }),
    status: z.looseObject({ observedGeneration: z.number().optional(), typeChecking: z.unknown() }),
  });
  const status = await eventually('the API server has checked its types', async () => {
    const found = statusSchema.parse(await read(admin, policy));
    return found.status.observedGeneration === found.metadata.generation && found.status;
  });
  expect(status.typeChecking).toEqual({});
});
