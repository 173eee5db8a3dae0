import { setTimeout as delay } from 'node:timers/promises';
import { BatchV1Api, CoreV1Api } from '@kubernetes/client-node';
import type { KubeConfig, V1JobStatus, V1Node } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect, startControlPlane } from '../support/controlplane/controlplane.ts';
import type { ControlPlane } from '../support/controlplane/controlplane.ts';
import {
  ACTION_LABEL,
  BEHAVIOUR_ANNOTATION,
  BOOT_DELAY_ANNOTATION,
  RUN_LABEL,
  WORK_SECONDS_ANNOTATION,
} from '../support/hosts/host-standin.ts';
import { createNodes } from '../support/hosts/simulated-nodes.ts';
import { startHostStandin } from '../support/hosts/start-host-standin.ts';
import type { RunningStandin } from '../support/hosts/start-host-standin.ts';

vi.setConfig({ testTimeout: 120_000 });

const NAMESPACE = 'default';
const OLD = { kernelVersion: '6.12.40', kubeletVersion: 'v1.36.3' };
const STANDIN = {
  patches: {
    'kernel-6.12.48': { kernelVersion: '6.12.48', osImage: 'Simulated OS 2' },
    'kubelet-1.36.4': { kubeletVersion: 'v1.36.4' },
  },
  workSeconds: 0.1,
  bootDelay: '200ms',
};
/** Many times the reaction time of the stand-in. */
const QUIET_MS = 1500;

let controlPlane: ControlPlane;
let standin: RunningStandin;
let config: KubeConfig;
let core: CoreV1Api;
let batch: BatchV1Api;

const started: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  controlPlane = await startControlPlane();
  started.push(controlPlane);
  config = connect(controlPlane.kubeconfig);
  core = config.makeApiClient(CoreV1Api);
  batch = config.makeApiClient(BatchV1Api);
  await startStandin();
}, 600_000); // the first start on a machine builds the binaries

afterAll(async () => {
  for (const each of started.reverse()) await each.stop();
});

describe('the host stand-in', () => {
  it('reboots an honest host into the kernel that a patch installed', async () => {
    const before = await newHost('honest');
    await run('honest', 'kernel-6.12.48');
    expect(facts(await host('honest'))).toEqual(facts(before));

    await run('honest', 'reboot');
    const after = await hostWhere(
      'honest',
      (node) => facts(node).bootID !== facts(before).bootID && isReady(node),
    );
    expect(facts(after)).toMatchObject({ ...OLD, kernelVersion: '6.12.48', osImage: 'Simulated OS 2' });
  });

  it('installs every kernel that the id of a patch names', async () => {
    await newHost('named');
    expect(await run('named', 'kernel-6.12.53')).toMatchObject({ succeeded: 1 });
    await run('named', 'reboot');
    await hostWhere('named', (node) => facts(node).kernelVersion === '6.12.53' && isReady(node));
  });

  it('gives every reboot a boot id of its own', async () => {
    const bootIds = [facts(await newHost('twice')).bootID];
    while (bootIds.length < 3) {
      await run('twice', 'reboot');
      bootIds.push(
        facts(await hostWhere('twice', (node) => !bootIds.includes(facts(node).bootID) && isReady(node)))
          .bootID,
      );
    }
    expect(facts(await host('twice'))).toMatchObject(OLD);
    expect(new Set(bootIds).size).toBe(3);
  });

  it('changes the kubelet version at once', async () => {
    const before = await newHost('kubelet');
    await run('kubelet', 'kubelet-1.36.4');
    expect(facts(await host('kubelet'))).toEqual({ ...facts(before), kubeletVersion: 'v1.36.4' });
  });

  it('keeps installed patches over its own restart', async () => {
    const before = await newHost('restart');
    await run('restart', 'kernel-6.12.48');
    await standin.stop();
    await startStandin();

    await run('restart', 'reboot');
    const after = await hostWhere('restart', (node) => facts(node).bootID !== facts(before).bootID);
    expect(facts(after).kernelVersion).toBe('6.12.48');
  });

  it('continues after an outage of the API server', async () => {
    await newHost('outage');
    await controlPlane.command('kill apiserver');
    await controlPlane.command('start apiserver');
    await until(
      'the API server serves',
      () => core.listNode({ limit: 1 }).then(() => true, String),
      (seen) => seen === true,
    );
    await run('outage', 'kubelet-1.36.4');
    expect(facts(await host('outage')).kubeletVersion).toBe('v1.36.4');
  });

  it('changes nothing on a lying host, although its Jobs succeed', async () => {
    const before = await newHost('liar', 'lie');
    await run('liar', 'kernel-6.12.48');
    await run('liar', 'kubelet-1.36.4');
    await run('liar', 'reboot');
    const after = await throughout('liar', (node) => isReady(node));
    expect(facts(after)).toEqual(facts(before));
  });

  it('fails the patches of a host with an exit code, but reboots it', async () => {
    const before = await newHost('failing', 'exit-7');
    expect(await run('failing', 'kernel-6.12.48')).toMatchObject({ failed: 1 });
    expect(await exitCodes('failing')).toEqual([7]);

    expect(await run('failing', 'reboot')).toMatchObject({ succeeded: 1 });
    const after = await hostWhere('failing', (node) => facts(node).bootID !== facts(before).bootID);
    expect(facts(after).kernelVersion).toBe(OLD.kernelVersion);
  });

  it('fails an unknown patch', async () => {
    await newHost('unknown');
    expect(await run('unknown', 'firmware-2')).toMatchObject({ failed: 1 });
    expect(await run('unknown', 'kernel-new')).toMatchObject({ failed: 1 });
  });

  it('leaves the pods of a silent host running', async () => {
    const before = await newHost('mute', 'silent');
    await createJob('mute', 'kernel-6.12.48');
    await createJob('mute', 'reboot');
    await until(
      'two pods run',
      () => phases('mute'),
      (seen) => seen.join() === 'Running,Running',
    );

    const after = await throughout('mute', (node) => isReady(node));
    expect(await phases('mute')).toEqual(['Running', 'Running']);
    expect(facts(after)).toEqual(facts(before));
  });

  it('makes a host slower than the others on request, in its work and its boot', async () => {
    const before = await newHost('slow', 'honest', {
      [WORK_SECONDS_ANNOTATION]: '2',
      [BOOT_DELAY_ANNOTATION]: '3s',
    });
    await run('slow', 'reboot');
    const after = await hostWhere(
      'slow',
      (node) => facts(node).bootID !== facts(before).bootID && isReady(node),
    );
    const [pod] = await pods('slow');
    const startedAt = Date.parse(pod?.status?.startTime?.toISOString() ?? '');
    const finishedAt = pod?.status?.containerStatuses?.[0]?.state?.terminated?.finishedAt;
    expect(Number(finishedAt) - startedAt).toBeGreaterThanOrEqual(2_000);
    expect(readySince(after) - startedAt).toBeGreaterThanOrEqual(5_000);
  });

  it('leaves the pods of other Jobs to kwok', async () => {
    await newHost('other', 'silent');
    expect(await run('other', 'reboot', {})).toMatchObject({ succeeded: 1 });
  });
});

async function startStandin(): Promise<void> {
  standin = await startHostStandin(config, STANDIN);
  started.push(standin);
}

type Facts = { bootID: string; kernelVersion: string; kubeletVersion: string; osImage: string };

function facts(node: V1Node): Facts {
  const { bootID = '', kernelVersion = '', kubeletVersion = '', osImage = '' } = node.status?.nodeInfo ?? {};
  return { bootID, kernelVersion, kubeletVersion, osImage };
}

function isReady(node: V1Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

async function newHost(
  name: string,
  behaviour?: string,
  further: Readonly<Record<string, string>> = {},
): Promise<V1Node> {
  const annotations = { ...further, ...(behaviour ? { [BEHAVIOUR_ANNOTATION]: behaviour } : {}) };
  await createNodes(config, [{ name, annotations, ...OLD }]);
  return host(name);
}

function readySince(node: V1Node): number {
  return Number(node.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime);
}

async function host(name: string): Promise<V1Node> {
  return core.readNode({ name });
}

/** Creates a Job pinned to a host and waits for its end. */
async function run(name: string, action: string, labels?: Record<string, string>): Promise<V1JobStatus> {
  const job = await createJob(name, action, labels);
  const status = async (): Promise<V1JobStatus> =>
    (await batch.readNamespacedJob({ namespace: NAMESPACE, name: job })).status ?? {};
  const ended = (seen: V1JobStatus): boolean =>
    seen.conditions?.some(({ type, status }) => ['Complete', 'Failed'].includes(type) && status === 'True') ??
    false;
  return until(`Job ${job} ends`, status, ended);
}

async function createJob(
  nodeName: string,
  action: string,
  labels: Record<string, string> = { [RUN_LABEL]: 'run-1', [ACTION_LABEL]: action },
): Promise<string> {
  const spec = {
    nodeName,
    restartPolicy: 'Never',
    tolerations: [{ operator: 'Exists' }],
    containers: [{ name: 'action', image: 'registry.invalid/action:1' }],
  };
  const body = {
    metadata: { generateName: `${nodeName}-` },
    spec: { backoffLimit: 0, template: { metadata: { labels: { ...labels, host: nodeName } }, spec } },
  };
  const job = await batch.createNamespacedJob({ namespace: NAMESPACE, body });
  return job.metadata?.name ?? '';
}

async function pods(name: string) {
  return (await core.listNamespacedPod({ namespace: NAMESPACE, labelSelector: `host=${name}` })).items;
}

async function phases(name: string): Promise<(string | undefined)[]> {
  return (await pods(name)).map(({ status }) => status?.phase);
}

async function exitCodes(name: string): Promise<(number | undefined)[]> {
  return (await pods(name)).map(({ status }) => status?.containerStatuses?.[0]?.state?.terminated?.exitCode);
}

async function hostWhere(name: string, fits: (node: V1Node) => boolean): Promise<V1Node> {
  return until(`${name} changes`, () => host(name), fits);
}

/** Reads the host repeatedly for a bounded time; returns its last state. */
async function throughout(name: string, holds: (node: V1Node) => boolean): Promise<V1Node> {
  const end = Date.now() + QUIET_MS;
  for (;;) {
    const node = await host(name);
    expect(holds(node), JSON.stringify(node.status?.conditions)).toBe(true);
    if (Date.now() >= end) return node;
    await delay(100);
  }
}

async function until<T>(what: string, look: () => Promise<T>, fits: (seen: T) => boolean): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const seen = await look();
    if (fits(seen)) return seen;
    if (Date.now() >= deadline) throw new Error(`in vain: ${what}; last seen: ${JSON.stringify(seen)}`);
    await delay(50);
  }
}
