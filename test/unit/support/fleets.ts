/** Fleets for the tests of the engine, and the expected state at the end of a run. */
import { expect } from 'vitest';
import type { StepName } from '../../../src/crds/vocabulary.ts';
import type { Claim } from '../../../src/engine/view.ts';
import type { NewHost } from '../../../src/hostops/simulated/simulated-objects.ts';
import type { SimulatedRun } from './simulated-run.ts';

/** The steps of a stage whose hosts are taken out of service, except the last. */
export const AWAY_STEPS: readonly StepName[] = [
  'query-alarms',
  'lock-hosts',
  'migrate-instances-from-host',
  'sw-patch-hosts',
  'verify',
  'system-stabilize',
  'unlock-hosts',
];

/** Workers named w-1, w-2, … */
export function workers(count: number): NewHost[] {
  return Array.from({ length: count }, (_, i) => ({ name: `w-${String(i + 1)}` }));
}

/** Two controllers, two storage hosts and eight workers. */
export function twelveHosts(): NewHost[] {
  const role = (name: string, label: string): NewHost => ({
    name,
    labels: { [`node-role.kubernetes.io/${label}`]: '' },
  });
  return [
    ...['c-1', 'c-2'].map((name) => role(name, 'control-plane')),
    ...['s-1', 's-2'].map((name) => role(name, 'storage')),
    ...workers(8),
  ];
}

/** Expects that no host is closed, claimed or recorded as open, and that no permit is held. */
export function openAndFree({ world, run, permits }: SimulatedRun): void {
  const closedToNewWork = [...world.hosts.values()]
    .filter((host) => host.closedToNewWork || host.claim)
    .map(({ name }) => name);
  expect({ closedToNewWork, open: run.hosts, permits: [...permits] }).toEqual({
    closedToNewWork: [],
    open: [],
    permits: [],
  });
}

/** Whether the host is empty. */
export function isEmpty({ world }: SimulatedRun, host: string): boolean {
  return world.podsOn(host).length === 0;
}

/** The claim on a host that another strategy has taken out of service. */
export const claimOfAnother: Claim = {
  run: 'run-2',
  pool: 'default',
  epoch: 1,
  owner: { kind: 'PatchStrategy', namespace: 'careen-hosts', name: 'firmware', uid: 'strategy-2' },
  planDigest: 'sha256:0',
  stage: 0,
  level: 'away',
  closedToNewWorkBefore: false,
  since: '2026-11-23T08:00:00.000Z',
};
