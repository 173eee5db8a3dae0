/** Runs of an upgrade of a small fleet, for the tests of the engine. */
import type { NewHost } from '../../../src/hostops/simulated/simulated-objects.ts';
import { RELEASE, SimulatedRun, type RunOptions } from './simulated-run.ts';

export const FACT = 'nodeInfo.kubeletVersion';
export const job = { template: { spec: { containers: [{ name: 'upgrade', image: 'upgrade:1' }] } } };
export const CONTROL = { 'node-role.kubernetes.io/control-plane': '' };

export const fleet: readonly NewHost[] = [
  ...['c-1', 'c-2', 'c-3'].map((name) => ({ name, labels: CONTROL })),
  ...['w-1', 'w-2', 'w-3', 'w-4'].map((name) => ({ name })),
];

const staged = { job, staged: [{ fact: 'labels.staged', operator: 'In', values: [RELEASE] }] };
export const each = { action: { job }, rebootRequired: true, stage: staged };
export const WHOLE = {
  hosts: { controller: each, worker: each },
  ...{ start: { job }, activate: { job }, complete: { job } },
  ...{ workerApplyType: 'parallel', storageApplyType: 'ignore' },
};

/** The same without an end for all hosts. */
export const UNENDED = { ...WHOLE, activate: undefined, complete: undefined };

export async function ended(options: RunOptions): Promise<SimulatedRun> {
  const run = await SimulatedRun.start(options);
  for (const { name } of options.hosts) run.world.addPod({ host: name, name: `pod-on-${name}` });
  await run.settle();
  return run;
}

export function versions({ world }: SimulatedRun): (string | undefined)[] {
  return [...world.hosts.values()].map(({ nodeInfo }) => nodeInfo[FACT]);
}

/** The actions of the Jobs that were made, in their order. */
export function actions({ world }: SimulatedRun): string[] {
  return [...world.jobs.values()].map(({ host, action }) => `${action} ${host}`);
}
