import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actionsDifference, planDifference } from '../../../src/planner/plan-difference.ts';
import { STRATEGY_KINDS } from '../../../src/crds/strategy-kinds.ts';
import { upgradeManifest } from '../../support/operator/strategies.ts';
import { strategySpec } from '../support/simulated-run.ts';

const plan = (...stages: string[][]) =>
  stages.map((hosts) => ({ name: 'sw-patch-worker-hosts' as const, hosts }));

describe('the difference between two plans', () => {
  it('is described in words that people use', () => {
    expect(planDifference(plan(['a', 'b'], ['c']), plan(['a'], ['c', 'd'], ['e']))).toBe(
      'added: d, e; removed: b; 3 stages instead of 2',
    );
    expect(planDifference(plan(['a'], ['b']), plan(['b'], ['a']))).toBe('in another stage: b, a');
  });

  it('ignores another number of a stage, when stages before it were added or removed', () => {
    expect(planDifference(plan(['a'], ['b'], ['c']), plan(['b'], ['c'], ['d']))).toBe('added: d; removed: a');
  });

  it('includes other patches for the same hosts', () => {
    const [stage] = plan(['a', 'b']);
    const lacking = (...patches: string[]) => [{ ...stage, name: 'sw-patch-worker-hosts' as const, patches }];
    expect(planDifference(lacking('p', 'q'), lacking('q'))).toBe('with other patches: a, b');
    expect(planDifference(lacking('p'), lacking('p'))).toBeUndefined();
  });

  it('names the fields that were edited', () => {
    const drain = { evictUnmanagedPods: true };
    expect(actionsDifference(strategySpec(), strategySpec({ drain, timing: { settleSeconds: 1 } }))).toBe(
      'edited: spec.drain, spec.timing',
    );
    expect(actionsDifference(strategySpec(), strategySpec({ workerApplyType: 'serial' }))).toBeUndefined();
  });

  it('names the fields of an upgrade as its kind has them', () => {
    const job = { template: { spec: { containers: [{ name: 'a', image: 'b' }] } } };
    const upgrade = (spec: Readonly<Record<string, unknown>> = {}) =>
      STRATEGY_KINDS.UpgradeStrategy.readSpec.parse(upgradeManifest('u', 'careen-hosts', spec).spec);
    const edited = (spec: Readonly<Record<string, unknown>>) => actionsDifference(upgrade(), upgrade(spec));
    expect(edited({})).toBeUndefined();
    expect(edited({ release: { version: 'v1.37.0' } })).toBe('edited: spec.release');
    expect(edited({ rollback: true })).toBe('edited: spec.rollback');
    expect(edited({ timing: { upgradeTimeoutSeconds: 5 } })).toBe('edited: spec.timing');
    expect(edited({ start: { job }, complete: undefined })).toBe('edited: spec.start, spec.complete');
    const each = { action: { job } };
    expect(edited({ hosts: { controller: each, worker: { ...each, stage: { job } } } })).toBe(
      'edited: spec.hosts.controller.stage, spec.hosts.worker.stage, spec.hosts.controller.action, spec.hosts.worker.action',
    );
  });

  it('names a few hosts and counts the rest', () => {
    const many = Array.from({ length: 8 }, (_, i) => `w-${String(i)}`);
    expect(planDifference(plan(), plan(many))).toBe(
      'added: w-0, w-1, w-2, w-3, w-4 and 3 more; 1 stage instead of 0',
    );
  });

  it('exists exactly when a host has moved to another place', () => {
    const anyPlan = fc
      .uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 })
      .chain((hosts) => fc.integer({ min: 1, max: 2 }).map((size) => chunks(hosts, size)))
      .map((stages) => plan(...stages));
    const places = (of: ReturnType<typeof plan>) => of.map(({ hosts }) => hosts.toSorted());
    fc.assert(
      fc.property(anyPlan, anyPlan, (before, after) => {
        const same = JSON.stringify(places(before)) === JSON.stringify(places(after));
        expect(planDifference(before, after) === undefined).toBe(same);
      }),
    );
  });
});

function chunks(hosts: readonly string[], size: number): string[][] {
  return Array.from({ length: Math.ceil(hosts.length / size) }, (_, i) =>
    hosts.slice(i * size, (i + 1) * size),
  );
}
