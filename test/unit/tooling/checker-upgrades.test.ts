import { expect, it } from 'vitest';
import { plansTheSame } from '../../simulation/seen.ts';
import { UpgradeCheck } from '../../simulation/upgrade-check.ts';
import { NOTHING } from '../../simulation/host-history.ts';
import { ApiServer } from '../../simulation/world/api-server.ts';
import type { ApiObject, Json } from '../../simulation/world/objects.ts';

const job = { template: {} };
const SPEC: Json = { release: { version: 'v1.37.0' }, hosts: { controller: {}, worker: { stage: { job } } } };

function complaintsAbout(host: string, stage: string, version = 'v1.36.4'): readonly string[] {
  const complaints: string[] = [];
  const check = new UpgradeCheck({
    ...{ specOf: () => SPEC, stateOf: () => NOTHING },
    isKnown: (_host, state) => state({ ...NOTHING, exists: true, nodeInfo: { kubeletVersion: version } }),
    failed: (complaint) => complaints.push(complaint),
  });
  const before = upgrade([]);
  check.written(upgrade([{ id: 0, name: stage, hosts: [host], inProgress: true, steps: [] }]), before, [
    host,
  ]);
  return complaints;
}

/** In a cluster of its own. */
function upgrade(stages: readonly Json[]): ApiObject {
  return new ApiServer(() => 0).create(
    'upgradestrategies',
    {
      ...{ apiVersion: 'careen.dev/v1alpha1', kind: 'UpgradeStrategy', spec: SPEC },
      metadata: { name: 'release', namespace: 'n' },
      status: { state: 'applying', run: { id: 'r1' }, applyPhase: { stages } },
    },
    'admin',
  );
}

it('a host is judged by the role that the plan gives it: one that is gone has no labels', () => {
  expect(complaintsAbout('c-1', 'sw-upgrade-controllers')).toEqual([]);
  expect(complaintsAbout('w-1', 'sw-upgrade-worker-hosts')).toEqual([
    '(4) an outage of w-1 began, and it is not staged',
  ]);
});

it('a host that has the release need not be staged for it', () => {
  expect(complaintsAbout('w-1', 'sw-upgrade-worker-hosts', 'v1.37.0')).toEqual([]);
});

it('a hook that an applied run has carried out need not be carried out again for another one that was added', () => {
  const complaints: string[] = [];
  let spec: Json = { release: { version: 'v1.37.0' }, complete: { job } };
  const check = new UpgradeCheck({
    ...{ specOf: () => spec, stateOf: () => NOTHING, isKnown: () => false },
    failed: (complaint) => complaints.push(complaint),
  });
  const server = new ApiServer(() => 0);
  const strategy = server.create('upgradestrategies', upgrade([]), 'admin');
  const applies = (run: string, hooks: readonly string[]): void => {
    const stages = [{ id: 0, name: 'sw-upgrade-complete', hosts: ['c-1'], steps: [], result: 'success' }];
    const before = { ...strategy, status: { state: 'applying', run: { id: run }, applyPhase: { stages } } };
    for (const hook of hooks) check.jobEnded(hookJob(server, run, hook));
    check.written({ ...before, status: { ...before.status, state: 'applied' } }, before, []);
  };
  applies('r1', ['complete']);
  spec = { ...spec, activate: { job } };
  applies('r2', ['activate']);
  expect(complaints).toEqual([]);
  check.recordLost('r2');
  applies('r3', ['activate']);
  expect(complaints).toEqual(['(6) UpgradeStrategy release is applied, and complete has not succeeded']);
});

function hookJob(server: ApiServer, run: string, hook: string): ApiObject {
  return server.create(
    'jobs',
    {
      ...{
        apiVersion: 'batch/v1',
        kind: 'Job',
        status: { conditions: [{ type: 'Complete', status: 'True' }] },
      },
      metadata: {
        ...{ name: `${run}-${hook}`, namespace: 'n', annotations: { 'careen.dev/host': 'c-1' } },
        labels: { 'careen.dev/run': run, 'careen.dev/action': hook },
      },
    },
    'cluster',
  );
}

it('an edit that was taken back is none', () => {
  const { hosts, ...rest } = SPEC;
  expect(plansTheSame(SPEC, { ...rest, hosts: hosts ?? {}, execution: { mode: 'Run' } })).toBe(true);
  expect(plansTheSame(SPEC, { ...SPEC, activate: { job } })).toBe(false);
});
