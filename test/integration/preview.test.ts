import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { dump, load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { apply, mergePatch, read, type Manifest } from '../support/controlplane/apply.ts';
import { auditArgs } from '../support/audit/audit.ts';
import { careen } from '../support/operator/careen-cli.ts';
import { connect, startControlPlane, type ControlPlane } from '../support/controlplane/controlplane.ts';
import { eventually } from '../support/eventually.ts';
import {
  installCareen,
  startOperator,
  writeOperatorKubeconfig,
  type RunningOperator,
} from '../support/operator/operator.ts';
import { ForwardProxy } from '../support/network/forward-proxy.ts';
import { behindProxy } from '../support/network/proxied.ts';
import { grantedRights, untilGranted } from '../support/audit/rights.ts';
import { writeServiceAccountKubeconfig } from '../support/controlplane/service-account.ts';
import { createNodes } from '../support/hosts/simulated-nodes.ts';
import { poolManifest, strategyManifest } from '../support/operator/strategies.ts';

const STRATEGY = strategyManifest('kernel', 'careen-hosts', {
  poolRef: 'gpu',
  workerApplyType: 'parallel',
  maxParallelWorkerHosts: 3,
});
const CONTROLLERS = ['control-0', 'control-1', 'control-2'];
const CONTROL = strategyManifest('control', 'careen-hosts', { poolRef: 'control' });
const preview = z.looseObject({
  planDigest: z.string(),
  stages: z.array(z.looseObject({ hosts: z.array(z.string()) })),
  findings: z.array(z.looseObject({ reason: z.string(), subjects: z.array(z.string()) })),
});
const strategyStatus = z.looseObject({
  status: z.looseObject({
    run: z.looseObject({ planDigest: z.string() }),
    findings: z.array(z.unknown()).optional(),
  }),
});

let plane: ControlPlane;
let admin: KubeConfig;
let operator: RunningOperator;
let forward: ForwardProxy;
let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'careen-preview-'));
  plane = await startControlPlane({ args: await auditArgs() });
  admin = connect(plane.kubeconfig);
  await installCareen(admin);
  const node = { kernelVersion: '6.12.41', kubeletVersion: 'v1.36.3' };
  const names = ['gpu-1', 'gpu-2', 'gpu-3', 'gpu-4', 'gpu-10'];
  await createNodes(admin, [
    ...names.map((name) => ({ ...node, name, labels: { pool: 'gpu' } })),
    ...CONTROLLERS.map((name) => ({
      ...node,
      name,
      labels: { pool: 'control', 'node-role.kubernetes.io/control-plane': '' },
    })),
    { ...node, name: 'other-1' },
  ]);
  await apply(admin, poolManifest('control', 1), poolManifest('gpu', '50%'), poolManifest('rest', 1));
  await apply(admin, operatorPod('careen-0', 'control-1'), BUDGET);
  await mergePatch(admin, nodeNamed('gpu-4'), { spec: { unschedulable: true } });
  await writeFile(join(cwd, 'strategy.yaml'), dump(STRATEGY));
  await writeFile(join(cwd, 'control.yaml'), dump(CONTROL));
  await apply(admin, ...READER_RIGHTS);
  await untilGranted(admin, READER, grantedRights(READER_RIGHTS, READER));
  await writeServiceAccountKubeconfig(admin, READER.namespace, READER.name, join(cwd, 'reader.kubeconfig'));
  forward = await ForwardProxy.start(admin.getCurrentCluster()?.server ?? '');
  await writeBehindProxy(plane.kubeconfig, 'proxied.kubeconfig');
  const kubeconfig = join(cwd, 'operator.kubeconfig');
  await writeOperatorKubeconfig(admin, kubeconfig);
  await writeBehindProxy(kubeconfig, 'operator.kubeconfig');
  const environment = { POD_NAME: 'careen-0', NODE_NAME: 'control-1' };
  operator = await startOperator(kubeconfig, { environment });
});
afterAll(async () => {
  await operator.stop();
  await forward.close();
  await plane.stop();
  await rm(cwd, { recursive: true, force: true });
});

/** Writes a kubeconfig file like another one, for the server behind the proxy. */
async function writeBehindProxy(source: string, name: string): Promise<void> {
  const config = behindProxy(connect(source), `http://${forward.address}`);
  await writeFile(join(cwd, name), config.exportConfig(), { mode: 0o600 });
}

/** The pod that names the operator's host: the operator is a process of its own here. */
const operatorPod = (name: string, nodeName: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'careen-system' },
  spec: {
    nodeName,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'careen',
        image: 'registry.example.com/careen:1',
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  },
});

/** It lets none of the operator's pods leave, since none of them is healthy here. */
const BUDGET: Manifest = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'all', namespace: 'careen-system' },
  spec: { selector: {}, minAvailable: 1 },
};
const budgetStatus = z.looseObject({ status: z.looseObject({ expectedPods: z.literal(1) }) });

const nodeNamed = (name: string): Manifest => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });

/** A person who may list pools and nodes, and nothing else. */
const READER = { name: 'reader', namespace: 'careen-hosts' };
const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: READER.name } };
const READER_RIGHTS: readonly Manifest[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: READER },
  {
    ...rbac,
    kind: 'ClusterRole',
    rules: [
      { apiGroups: ['careen.dev'], resources: ['hostpools'], verbs: ['list'] },
      { apiGroups: [''], resources: ['nodes'], verbs: ['list'] },
    ],
  },
  {
    ...rbac,
    kind: 'ClusterRoleBinding',
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: READER.name },
    subjects: [{ kind: 'ServiceAccount', ...READER }],
  },
];

async function planOfTheOperator(
  strategy: Manifest,
): Promise<{ readonly planDigest: string; readonly findings: unknown }> {
  await apply(admin, strategy);
  return eventually('the plan of the operator', async () => {
    const status = strategyStatus.safeParse(await read(admin, strategy)).data?.status;
    if (!status || status.run.planDigest === 'none') return undefined;
    return { planDigest: status.run.planDigest, findings: status.findings ?? [] };
  });
}

/** Without the right to list pods and budgets a plan is made nevertheless. */
const PODS_UNKNOWN =
  /careen: the pods on the hosts cannot be read: .*forbidden.*, so it is not known which of them a drain may not evict\n$/;

const called = (...args: string[]) => careen(args, { cwd, environment: { KUBECONFIG: plane.kubeconfig } });

describe('a kubeconfig with proxy-url', () => {
  it('takes the command line through the proxy, and the operator of this file', async () => {
    const { port } = new URL(admin.getCurrentCluster()?.server ?? '');
    const environment = { KUBECONFIG: join(cwd, 'proxied.kubeconfig') };
    expect(await careen(['fleet'], { cwd, environment })).toEqual(await called('fleet'));
    expect(new Set(forward.asked)).toEqual(new Set([`CONNECT kubernetes.default.svc:${port}`]));
  });
});

describe('a preview', () => {
  it("is the same from the cluster and from an exported fleet, and equals the operator's plan", async () => {
    const cluster = await called('plan', '-f', 'strategy.yaml', '-o', 'json');
    expect(cluster).toMatchObject({ status: 2, err: '' });
    const { planDigest, stages, findings } = preview.parse(JSON.parse(cluster.out));
    expect(stages.map(({ hosts }) => hosts)).toEqual([['gpu-1', 'gpu-2'], ['gpu-3', 'gpu-4'], ['gpu-10']]);
    expect(findings.map(({ reason, subjects }) => [reason, ...subjects])).toEqual([
      ['LimitReached', 'gpu-4'],
      ['HostCordoned', 'gpu-4'],
      ['StageCut', 'HostPool gpu'],
    ]);

    const exported = await called('fleet', '--pool', 'gpu');
    expect(exported).toMatchObject({ status: 0, err: '' });
    await writeFile(join(cwd, 'fleet.yaml'), exported.out);
    const offline = await called('plan', '-f', 'strategy.yaml', '-o', 'json', '--fleet', 'fleet.yaml');
    expect(offline).toEqual(cluster);

    expect(await planOfTheOperator(STRATEGY)).toEqual({ planDigest, findings });
  });

  it("plans the leading operator's controller last, like the operator, and reads the pods there", async () => {
    await eventually(
      'the count of the budget',
      async () => budgetStatus.safeParse(await read(admin, BUDGET)).data,
    );
    const cluster = await called('plan', '-f', 'control.yaml', '-o', 'json');
    expect(cluster).toMatchObject({ status: 2, err: '' });
    const { planDigest, stages, findings } = preview.parse(JSON.parse(cluster.out));
    expect(stages.flatMap(({ hosts }) => hosts)).toEqual(['control-0', 'control-2', 'control-1']);

    const exported = await called('fleet', '--pool', 'control');
    expect(exported).toMatchObject({ status: 0, err: '' });
    expect(load(exported.out)).toMatchObject({ pool: { name: 'control', activeHost: 'control-1' } });
    await writeFile(join(cwd, 'control-fleet.yaml'), exported.out);
    const offline = ['plan', '-f', 'control.yaml', '-o', 'json', '--fleet', 'control-fleet.yaml'];
    expect(await called(...offline)).toEqual(cluster);

    // The operator reads no pods before it works on their hosts.
    const ofPods = new Set(['PodsNeedConsent', 'BudgetExhausted']);
    const pods = findings.filter(({ reason }) => ofPods.has(reason));
    expect(pods.map(({ reason, subjects }) => [reason, ...subjects])).toEqual([
      ['PodsNeedConsent', 'control-1'],
      ['BudgetExhausted', 'control-1'],
    ]);
    const others = findings.filter(({ reason }) => !ofPods.has(reason));
    expect(await planOfTheOperator(CONTROL)).toEqual({ planDigest, findings: others });
  });

  it('says so when it may not read the host of the leading operator, and continues', async () => {
    const environment = { KUBECONFIG: join(cwd, 'reader.kubeconfig') };
    const limited = await careen(['plan', '-f', 'control.yaml', '-o', 'json'], { cwd, environment });
    expect(limited).toMatchObject({ status: 2 });
    expect(limited.err).toMatch(
      /^careen: Lease careen-system\/careen cannot be read: .*forbidden.*, so the controller .*: to get the same plan, name it as pool\.activeHost in a fleet file\n/,
    );
    expect(limited.err).toMatch(PODS_UNKNOWN);
    const { stages } = preview.parse(JSON.parse(limited.out));
    expect(stages.flatMap(({ hosts }) => hosts)).toEqual(CONTROLLERS);
    const workers = await careen(['fleet', '--pool', 'gpu'], { cwd, environment });
    expect(workers).toMatchObject({ status: 0, err: expect.stringMatching(PODS_UNKNOWN) as string });
  });

  it('names the existing pools when the cluster has no such pool', async () => {
    const { status, err } = await called('fleet', '--pool', 'none');
    expect(status).toBe(1);
    expect(err).toBe(
      'careen: the cluster has no HostPool none that can be read; it has: control, gpu, rest\n',
    );
  });
});
