/** One run of the benchmark: a control plane of its own, a fleet, the operator, a whole strategy. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { z } from 'zod';
import { patchStrategyStatus, type PatchStrategyStatus } from '../../../src/crds/patch-strategy-status.ts';
import { apply, mergePatch, read } from '../../support/controlplane/apply.ts';
import { connect, startControlPlane } from '../../support/controlplane/controlplane.ts';
import { eventually } from '../../support/eventually.ts';
import { startHostStandin } from '../../support/hosts/start-host-standin.ts';
import { readMetrics } from '../../support/operator/metrics.ts';
import { installCareen, startOperator, writeOperatorKubeconfig } from '../../support/operator/operator.ts';
import { makeFleet, strategy } from './fleet.ts';
import { eventLoopLagMs, processCost, requestsSince, type Requests } from './operator-cost.ts';

const OPERATOR = 'system:serviceaccount:careen-system:careen';
const RUN_SECONDS = 7200;

export type Measured = {
  readonly hosts: number;
  readonly podsPerHost: number;
  /** From the approval to the end of the strategy. */
  readonly wallSeconds: number;
  /** From the start of the process until it leads and works. */
  readonly readySeconds: number;
  /** The operator's time between the approval and the end. */
  readonly cpuSeconds: number;
  readonly idleRssMiB: number;
  readonly peakRssMiB: number;
  readonly eventLoopLagP99Ms: number;
  readonly requests: Requests;
};

/** Carries a strategy out on a new cluster, and measures what the operator needs for it. Throws when it does not end `applied`. */
export async function measure(hosts: number, podsPerHost: number): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'careen-scale-'));
  const closing: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const audit = await auditIn(folder);
    const plane = await startControlPlane({ args: audit.args });
    closing.push(() => plane.stop());
    const admin = connect(plane.kubeconfig);
    await installCareen(admin);
    await makeFleet(admin, hosts, podsPerHost);
    const standin = await startHostStandin(admin, {
      patches: { 'kernel-6.12.48': { kernelVersion: '6.12.48' } },
    });
    closing.push(() => standin.stop());
    const kubeconfig = join(folder, 'operator.kubeconfig');
    await writeOperatorKubeconfig(admin, kubeconfig);
    const startedAt = performance.now();
    const operator = await startOperator(kubeconfig);
    const readySeconds = (performance.now() - startedAt) / 1000;
    closing.push(() => operator.stop());
    await apply(admin, strategy);
    const status = async (): Promise<PatchStrategyStatus> => statusOf(await read(admin, strategy));
    await eventually('a plan', async () => (await status()).state === 'ready-to-apply', { seconds: 120 });

    const before = await processCost(operator.pid);
    const approvedAt = Date.now();
    await mergePatch(admin, strategy, { spec: { execution: { mode: 'Run' } } });
    const isOver = async (): Promise<boolean> =>
      ['applied', 'apply-failed', 'apply-timeout'].includes((await status()).state ?? '');
    await eventually('the end of the strategy', isOver, { seconds: RUN_SECONDS });
    const wallSeconds = (Date.now() - approvedAt) / 1000;
    const { state, message } = await status();
    if (state !== 'applied') throw new Error(`the strategy ended ${String(state)}: ${String(message)}`);
    const after = await processCost(operator.pid);
    const { text } = await readMetrics(operator.address() ?? '');
    const lines = (await readFile(audit.file, 'utf8')).split('\n').filter((line) => line !== '');
    return {
      ...{ hosts, podsPerHost, wallSeconds, readySeconds },
      cpuSeconds: after.cpuSeconds - before.cpuSeconds,
      ...{ idleRssMiB: before.peakRssMiB, peakRssMiB: after.peakRssMiB },
      eventLoopLagP99Ms: eventLoopLagMs(text),
      requests: requestsSince(lines, approvedAt),
    };
  } finally {
    for (const close of closing.toReversed()) await close();
  }
}

function statusOf(object: unknown): PatchStrategyStatus {
  return z.looseObject({ status: patchStrategyStatus.default({}) }).parse(object).status;
}

/** Makes the API server log every request of the operator; writes with the objects that they stored. */
async function auditIn(folder: string): Promise<{ readonly args: readonly string[]; readonly file: string }> {
  const file = join(folder, `${randomUUID()}.log`);
  const users = [OPERATOR];
  const policy = {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: [
      { level: 'RequestResponse', users, verbs: ['create', 'update', 'patch', 'delete'] },
      { level: 'Metadata', users },
      { level: 'None' },
    ],
  };
  await writeFile(`${file}.policy.json`, JSON.stringify(policy));
  const args = [
    `--apiserver-arg=--audit-policy-file=${file}.policy.json`,
    `--apiserver-arg=--audit-log-path=${file}`,
  ];
  return { args, file };
}
