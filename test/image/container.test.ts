import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/crds/version.ts';
import { buildImage } from '../../scripts/image/build.ts';
import { Cluster } from '../e2e/cluster.ts';
import { expectGivenBack } from '../e2e/given-back.ts';
import { eventually } from '../support/eventually.ts';
import { readMetrics } from '../support/operator/metrics.ts';
import type { RunningOperator } from '../support/operator/operator.ts';
import { Podman, startContainer } from './container.ts';
import { needPrograms } from './programs.ts';

const SECONDS_TO_READY = 2;
const NAME = 'careen-0';

let folder: string;
let podman: Podman;
let cluster: Cluster | undefined;
let secondsToReady: number;

beforeAll(async () => {
  await needPrograms();
  folder = await mkdtemp(join(tmpdir(), 'careen-container-'));
  podman = new Podman(folder);
  const target = join(folder, 'dist');
  const { file } = await buildImage({ architectures: [THIS], locked: false, target, say: () => undefined });
  await podman.call('load', '--input', file);
  cluster = await Cluster.start(startReady);
}, 300_000);
afterAll(async () => {
  await cluster?.stop();
  await podman.call('rm', '--all', '--force');
  await podman.call('rmi', '--all', '--force');
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const THIS = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** Starts the container, and notes how long the processor worked until it was ready: a busy machine changes little of that. */
async function startReady(kubeconfig: string): Promise<RunningOperator> {
  const operator = await startContainer(podman, kubeconfig, join(folder, 'account'), NAME);
  await untilReady(operator);
  const { value } = await readMetrics(operator.address() ?? '');
  secondsToReady = value('process_cpu_seconds_total');
  await operator.leads;
  return operator;
}

async function untilReady(operator: RunningOperator): Promise<void> {
  const isReady = async (): Promise<boolean> => {
    const address = operator.address();
    return address !== undefined && (await fetch(`${address}/readyz`)).ok;
  };
  await eventually('the container is ready', isReady, { describe: () => operator.lines });
}

describe('the operator in a container', () => {
  it(`is ready within ${String(SECONDS_TO_READY)} s of processor time`, () => {
    expect(secondsToReady).toBeGreaterThan(0);
    expect(secondsToReady).toBeLessThan(SECONDS_TO_READY);
  });

  it('has no rights on its machine: another user, no capabilities, nothing to write to', async () => {
    const pid = (await podman.call('inspect', '--format', '{{.State.Pid}}', NAME)).trim();
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)?.[1];
    expect(['Uid', 'Gid'].map(field)).toEqual(['65532', '65532']);
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(field(set)).toMatch(/^0+$/);
    expect(field('NoNewPrivs')).toBe('1');
    expect(field('Seccomp')).toBe('2');

    const mounts = (await readFile(`/proc/${pid}/mounts`, 'utf8')).split('\n').map((line) => line.split(' '));
    const options = mounts.find(([, place]) => place === '/')?.[3];
    expect(options?.split(',')).toContain('ro');
    await expect(podman.call('exec', NAME, '/bin/sh', '-c', 'true')).rejects.toThrow(/no such file/);
  });

  it('carries a strategy out until it is applied', async () => {
    if (!cluster) throw new Error('the cluster did not start');
    const fleet = await cluster.fleet('contained', 2, 1);
    await fleet.apply({ execution: { mode: 'Run' } });
    await fleet.untilState('applied');
    await fleet.untilKernel('6.12.48');
    await expectGivenBack(fleet);
  });

  it('tells its version in its metrics', async () => {
    const { text } = await readMetrics(cluster?.operator.address() ?? '');
    expect(text).toContain(`version="${VERSION}"`);
  });

  it('writes nothing but its log, and ends in good order', async () => {
    expect(cluster?.operator.lines.filter((line) => !line.startsWith('{'))).toEqual([]);
    await cluster?.operator.stop();
    expect(await cluster?.operator.ended).toBe(0);
  });
});
