import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ApiException,
  CoreV1Api,
  PatchStrategy,
  PolicyV1Api,
  setHeaderOptions,
  type KubeConfig,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLAIM_ANNOTATION } from '../../src/crds/names.ts';
import { hostPoolSpec } from '../../src/crds/host-pool.ts';
import type { Effect, Outcome } from '../../src/engine/effect.ts';
import { KubernetesHostOps } from '../../src/hostops/kubernetes/kubernetes-host-ops.ts';
import { apply, mergePatch, remove } from '../support/controlplane/apply.ts';
import { auditArgs } from '../support/audit/audit.ts';
import { connect, startControlPlane, type ControlPlane } from '../support/controlplane/controlplane.ts';
import { eventually } from '../support/eventually.ts';
import { BEHAVIOUR_ANNOTATION } from '../support/hosts/host-standin.ts';
import { installCareen, writeOperatorKubeconfig } from '../support/operator/operator.ts';
import { AdmissionWebhook, deadWebhook } from '../support/network/admission-webhook.ts';
import { createNodes, deleteNodes } from '../support/hosts/simulated-nodes.ts';
import { startHostStandin } from '../support/hosts/start-host-standin.ts';
import { clusterSide } from './cluster-side.ts';
import {
  EXIT_CODE,
  nodeFactsWith,
  OLD_KERNEL,
  PATCH,
  type ContractFixture,
  type FixturePod,
} from './contract-case.ts';
import { hostOpsContract } from './host-ops-contract.ts';
import { membersOnKubernetes } from './members-on-kubernetes.ts';

const CASE_LABEL = 'careen-test/case';
const READY_ANNOTATION = 'testbed.local/ready';
const strategicPatch = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch);
const GUARD_LABEL = { guarded: 'true' };
const { roles, health } = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });
const quiet = { info: () => undefined, warn: () => undefined };

let controlPlane: ControlPlane;
let admin: KubeConfig;
let ops: KubernetesHostOps;
let cases = 0;
const started: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  controlPlane = await startControlPlane({ args: await auditArgs() });
  started.push(controlPlane);
  admin = connect(controlPlane.kubeconfig);
  await installCareen(admin);
  started.push(
    await startHostStandin(admin, { patches: { [PATCH]: { kernelVersion: '6.12.48' } }, workSeconds: 0.1 }),
  );
  // With exactly the rights of the operator.
  const folder = await mkdtemp(join(tmpdir(), 'careen-contract-'));
  started.push({ stop: () => rm(folder, { recursive: true, force: true }) });
  await writeOperatorKubeconfig(admin, join(folder, 'kubeconfig'));
  ops = new KubernetesHostOps(connect(join(folder, 'kubeconfig')), quiet, Date.now);
  started.push(ops);
  await ops.start();
}, 600_000); // the first start on a machine builds the binaries

afterAll(async () => {
  for (const each of started.reverse()) await each.stop();
});

hostOpsContract('The adapter for Kubernetes nodes', async (): Promise<ContractFixture> => {
  cases += 1;
  const namespace = `case-${String(cases)}`;
  const core = admin.makeApiClient(CoreV1Api);
  const nodes: string[] = [];
  const nodeManifest = (name: string) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
  const { common, forbidPods, remove: removeNamespace } = await clusterSide(admin, ops, namespace);

  return {
    ...common,
    ops,
    scope: {
      pool: namespace,
      provider: { kubernetes: { nodeSelector: { [CASE_LABEL]: namespace } } },
      before: [],
      roles,
      health,
    },
    providerOf: (nodeSelector) => ({ kubernetes: { nodeSelector } }),
    factsWith: nodeFactsWith,
    addHost: async (prefix, { labels = {}, failing = false, stuck = false } = {}) => {
      const name = `${prefix}-${namespace}`;
      const behaviour = failing ? `exit-${String(EXIT_CODE)}` : 'honest';
      const annotations = { [BEHAVIOUR_ANNOTATION]: behaviour };
      nodes.push(name);
      if (stuck) await forbidPods();
      await createNodes(admin, [
        { name, annotations, labels: { ...labels, [CASE_LABEL]: namespace }, kernelVersion: OLD_KERNEL },
      ]);
      return name;
    },
    addPod: async (host, name, budget) => {
      if (budget === 'protected') await protect(namespace);
      const pod = await addPod(core, namespace, host, name);
      if (budget === 'protected') await budgetIsInForce(namespace);
      return pod;
    },
    podExists: async (pod) => (await uidOfPod(core, pod)) === pod.uid,
    setReady: (host, ready) =>
      mergePatch(admin, nodeManifest(host), {
        metadata: { annotations: { [READY_ANNOTATION]: ready ? null : 'false' } },
      }),
    taint: (host, key) => addTaint(core, host, key),
    report: async (host, type) => {
      const lastTransitionTime = new Date().toISOString();
      const condition = {
        type,
        status: 'True',
        reason: 'Test',
        message: 'a test wants it',
        lastTransitionTime,
      };
      await core.patchNodeStatus(
        { name: host, body: { status: { conditions: [condition] } } },
        strategicPatch,
      );
    },
    close: (host) => mergePatch(admin, nodeManifest(host), { spec: { unschedulable: true } }),
    open: (host) => mergePatch(admin, nodeManifest(host), { spec: { unschedulable: null } }),
    editClaim: async (host) => {
      const { metadata } = await core.readNode({ name: host });
      const claim = metadata?.annotations?.[CLAIM_ANNOTATION]?.replace(
        '"closedToNewWorkBefore":false',
        '"closedToNewWorkBefore":true',
      );
      await mergePatch(admin, nodeManifest(host), {
        metadata: { annotations: { [CLAIM_ANNOTATION]: claim } },
      });
    },
    eventually: async (what, condition) => {
      await eventually(what, condition);
    },
    cleanup: async () => {
      await deleteNodes(admin, nodes);
      await removeNamespace();
    },
  };
});

/** The list of taints is written as a whole, and Kubernetes removes its own meanwhile. */
async function addTaint(core: CoreV1Api, host: string, key: string): Promise<void> {
  await eventually(`taint ${key} of ${host}`, async () => {
    const { metadata, spec } = await core.readNode({ name: host });
    const taints = [...(spec?.taints ?? []), { key, effect: 'NoSchedule' }];
    const body = { metadata: { resourceVersion: metadata?.resourceVersion }, spec: { taints } };
    return core.patchNode({ name: host, body }, strategicPatch).catch((error: unknown) => {
      if (error instanceof ApiException && error.code === 409) return undefined;
      throw error;
    });
  });
}

describe('An eviction on a real API server', () => {
  const NAMESPACE = 'denials';
  const HOST = 'host-of-denials';
  const provider = { kubernetes: { nodeSelector: {} } };
  const scope = { pool: NAMESPACE, provider, before: [], roles, health };
  const evictions = { name: 'evictions.example.com', namespace: NAMESPACE, resource: 'pods/eviction' };
  const { signal } = new AbortController();
  let pod: FixturePod;

  beforeAll(async () => {
    const core = admin.makeApiClient(CoreV1Api);
    await core.createNamespace({ body: { metadata: { name: NAMESPACE } } });
    await createNodes(admin, [{ name: HOST }]);
    pod = await addPod(core, NAMESPACE, HOST, 'needed');
    // No case evicts it, however early its denial comes into force.
    await protect(NAMESPACE);
    await budgetIsInForce(NAMESPACE);
  });

  async function evict(): Promise<Outcome> {
    const effect: Effect = { kind: 'evict', key: 'k', host: HOST, instance: pod };
    const owner = { kind: 'PatchStrategy', namespace: NAMESPACE, name: 's', uid: 'u' };
    return ops.perform(scope, effect, { owner, run: 'r', epoch: 1 }, signal);
  }

  async function deniedWith(words: string): Promise<void> {
    let seen: Outcome | undefined;
    const isDenied = async (): Promise<boolean> => {
      seen = await evict();
      return (
        seen.kind === 'blocked' && seen.reason.startsWith(`pod denials/needed may not leave now: ${words}`)
      );
    };
    await eventually(`a denial with ${words}`, isDenied, { describe: () => seen });
  }

  it('that a webhook denies is only for now, whatever its code, and has its name and its words', async () => {
    const webhook = await AdmissionWebhook.start(admin, evictions);
    try {
      for (const code of [undefined, 400, 403, 404, 409, 422, 429, 500]) {
        const message = `the primary still moves (${String(code)})`;
        webhook.answer = { message, ...(code === undefined ? {} : { code }) };
        await deniedWith(`webhook "evictions.example.com" denies it: ${message}`);
      }
      webhook.answer = 'allow';
      await deniedWith('The disruption budget none-to-spare');
    } finally {
      await webhook.stop();
    }
  });

  it('of a pod under two budgets is refused for good, with their names', async () => {
    await protect(NAMESPACE, 'another');
    let seen: Outcome | undefined;
    const isRefused = async (): Promise<boolean> => (seen = await evict()).kind === 'refused';
    await eventually('a refusal', isRefused, { describe: () => seen });
    await admin
      .makeApiClient(PolicyV1Api)
      .deleteNamespacedPodDisruptionBudget({ namespace: NAMESPACE, name: 'another' });
    expect(seen).toEqual({
      kind: 'refused',
      reason:
        'pod denials/needed is under more than one PodDisruptionBudget (another, none-to-spare), so it can never be ' +
        'evicted: leave it under one',
    });
  });

  it('that needs the answer of a dead webhook names it, and is only for now', async () => {
    const dead = deadWebhook(evictions);
    await apply(admin, dead);
    await deniedWith('webhook "evictions.example.com" must be asked and does not answer: ');
    await remove(admin, dead);
  });

  it('that a ValidatingAdmissionPolicy denies is only for now, and has its words', async () => {
    const group = 'admissionregistration.k8s.io/v1';
    const rule = {
      apiGroups: [''],
      apiVersions: ['*'],
      operations: ['CREATE'],
      resources: ['pods/eviction'],
    };
    const matchConstraints = { resourceRules: [rule] };
    const metadata = { name: 'not-at-night' };
    const objects = [
      {
        ...{ apiVersion: group, kind: 'ValidatingAdmissionPolicy', metadata },
        spec: {
          matchConstraints,
          matchConditions: [{ name: 'there', expression: `request.namespace == "${NAMESPACE}"` }],
          validations: [{ expression: 'false', message: 'pods stay where they are at night' }],
        },
      },
      {
        ...{ apiVersion: group, kind: 'ValidatingAdmissionPolicyBinding', metadata },
        spec: { policyName: 'not-at-night', validationActions: ['Deny'] },
      },
    ];
    await apply(admin, ...objects);
    await deniedWith('policy "not-at-night" denies it: pods stay where they are at night');
    for (const object of objects) await remove(admin, object);
  });
});

membersOnKubernetes(() => ({ admin, controlPlane, ops }));

async function addPod(
  core: CoreV1Api,
  namespace: string,
  nodeName: string,
  name: string,
): Promise<FixturePod> {
  const body = {
    metadata: { name, labels: GUARD_LABEL },
    spec: {
      nodeName,
      containers: [{ name: 'work', image: 'work:1' }],
      tolerations: [{ operator: 'Exists' }],
    },
  };
  // A new namespace accepts pods only when the controller manager has created its service account.
  const pod = await eventually(`pod ${namespace}/${name}`, () =>
    core.createNamespacedPod({ namespace, body }).catch((error: unknown) => {
      if (error instanceof ApiException && error.code === 403) return undefined;
      throw error;
    }),
  );
  return { namespace, name, uid: pod.metadata?.uid ?? '' };
}

async function uidOfPod(core: CoreV1Api, { namespace, name }: FixturePod): Promise<string | undefined> {
  const { items } = await core.listNamespacedPod({ namespace, fieldSelector: `metadata.name=${name}` });
  return items[0]?.metadata?.uid;
}

async function protect(namespace: string, budget = 'none-to-spare'): Promise<void> {
  await admin.makeApiClient(PolicyV1Api).createNamespacedPodDisruptionBudget({
    namespace,
    body: {
      metadata: { name: budget },
      spec: { minAvailable: 1, selector: { matchLabels: GUARD_LABEL } },
    },
  });
}

/** Before its controller has counted the pods, a budget allows nothing, so a test would prove nothing. */
async function budgetIsInForce(namespace: string): Promise<void> {
  const policy = admin.makeApiClient(PolicyV1Api);
  await eventually(`the budget in ${namespace}`, async () => {
    const { status } = await policy.readNamespacedPodDisruptionBudget({ namespace, name: 'none-to-spare' });
    return status?.currentHealthy === 1 && status.disruptionsAllowed === 0;
  });
}
