import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/crds/version.ts';
import { buildImage } from '../../scripts/image/build.ts';
import { Cluster } from '../e2e/cluster.ts';
import { expectGivenBack } from '../e2e/given-back.ts';
import { eventually } from '../support/eventually.ts';
import type { RunningOperator } from '../support/operator/operator.ts';
import { Podman, startContainer } from './container.ts';
import { needPrograms } from './programs.ts';

const SECONDS_TO_READY = 2;
/** On a busy machine one start may be slow; none of several is. */
const STARTS = 4;

let folder: string;
let podman: Podman;
let cluster: Cluster | undefined;
const secondsToReady: number[] = [];

beforeAll(async () => {
  await needPrograms();
  folder = await mkdtemp(join(tmpdir(), 'careen-container-'));
  podman = new Podman(folder);
  const target = join(folder, 'dist');
  const { file } = await buildImage({ architectures: [THIS], locked: false, target, say: () => undefined });
  await podman.call('load', '--input', file);
  cluster = await Cluster.start(startRepeatedly);
}, 300_000);
afterAll(async () => {
  await cluster?.stop();
  await podman.call('rm', '--all', '--force');
  await podman.call('rmi', '--all', '--force');
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const THIS = process.arch === 'arm64' ? 'arm64' : 'amd64';
const nameOf = (start: number): string => `careen-${String(start)}`;
const LAST = nameOf(STARTS - 1);

/** Starts the container several times, each after the end of the one before; the last one stays. */
async function startRepeatedly(kubeconfig: string): Promise<RunningOperator> {
  let operator: RunningOperator | undefined;
  for (let start = 0; start < STARTS; start++) {
    await operator?.stop();
    const began = performance.now();
    operator = await startContainer(
      podman,
      kubeconfig,
      join(folder, `account-${String(start)}`),
      nameOf(start),
    );
    await untilReady(operator);
    secondsToReady.push((performance.now() - began) / 1000);
  }
  if (!operator) throw new Error('nothing was started');
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
  it(`is ready within ${String(SECONDS_TO_READY)} s`, () => {
    expect(Math.min(...secondsToReady)).toBeLessThan(SECONDS_TO_READY);
  });

  it('has no rights on its machine: another user, no capabilities, nothing to write to', async () => {
    const pid = (await podman.call('inspect', '--format', '{{.State.Pid}}', LAST)).trim();
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
    await expect(podman.call('exec', LAST, '/bin/sh', '-c', 'true')).rejects.toThrow(/no such file/);
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
    const address = cluster?.operator.address() ?? '';
    const metrics = await (await fetch(`${address}/metrics`)).text();
    expect(metrics).toContain(`version="${VERSION}"`);
  });

  it('writes nothing but its log, and ends in good order', async () => {
    expect(cluster?.operator.lines.filter((line) => !line.startsWith('{'))).toEqual([]);
    await cluster?.operator.stop();
    expect(await cluster?.operator.ended).toBe(0);
  });
});
