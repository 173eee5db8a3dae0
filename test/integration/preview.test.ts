import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { apply, mergePatch, read, type Manifest } from '../support/apply.ts';
import { auditArgs } from '../support/audit.ts';
import { careen } from '../support/careen-cli.ts';
import { connect, startControlPlane, type ControlPlane } from '../support/controlplane.ts';
import { eventually } from '../support/eventually.ts';
import {
  installCareen,
  startOperator,
  writeOperatorKubeconfig,
  type RunningOperator,
} from '../support/operator.ts';
import { createNodes } from '../support/simulated-nodes.ts';
import { poolManifest, strategyManifest } from '../support/strategies.ts';

const STRATEGY = strategyManifest('kernel', 'careen-hosts', {
  poolRef: 'gpu',
  workerApplyType: 'parallel',
  maxParallelWorkerHosts: 3,
});
const preview = z.looseObject({
  planDigest: z.string(),
  stages: z.array(z.looseObject({ hosts: z.array(z.string()) })),
  findings: z.array(z.looseObject({ reason: z.string(), subjects: z.array(z.string()) })),
});
const strategyStatus = z.looseObject({
  status: z.looseObject({ run: z.looseObject({ planDigest: z.string() }) }),
});

let plane: ControlPlane;
let admin: KubeConfig;
let operator: RunningOperator;
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
    { ...node, name: 'other-1' },
  ]);
  await apply(admin, poolManifest('gpu', '50%'), poolManifest('rest', 1));
  await mergePatch(admin, nodeNamed('gpu-4'), { spec: { unschedulable: true } });
  await writeFile(join(cwd, 'strategy.yaml'), dump(STRATEGY));
  const kubeconfig = join(cwd, 'operator.kubeconfig');
  await writeOperatorKubeconfig(admin, kubeconfig);
  operator = await startOperator(kubeconfig);
});
afterAll(async () => {
  await operator.stop();
  await plane.stop();
  await rm(cwd, { recursive: true, force: true });
});

const nodeNamed = (name: string): Manifest => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });

const called = (...args: string[]) => careen(args, { cwd, environment: { KUBECONFIG: plane.kubeconfig } });

describe('a preview', () => {
  it('is the same from the cluster and from a fleet exported there, and is what the operator then plans', async () => {
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

    await apply(admin, STRATEGY);
    const planned = await eventually('the plan of the operator', async () => {
      const digest = strategyStatus.safeParse(await read(admin, STRATEGY)).data?.status.run.planDigest;
      return digest === 'none' ? undefined : digest;
    });
    expect(planned).toBe(planDigest);
  });

  it('names the pools that there are when the cluster has no such pool', async () => {
    const { status, err } = await called('fleet', '--pool', 'none');
    expect(status).toBe(1);
    expect(err).toBe('careen: the cluster has no HostPool none that can be read; it has: gpu, rest\n');
  });
});
