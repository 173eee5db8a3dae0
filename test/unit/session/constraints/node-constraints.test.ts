import { describe, expect, it } from 'vitest';
import { constraintOf, groupsOf } from '../../../../src/engine/session/constraints/constraints.ts';
import { constraintsOfPods } from '../../../../src/engine/session/constraints/node-constraints.ts';
import {
  constraintsFrom,
  TENANTS_OF_NODES,
} from '../../../../src/engine/session/constraints/read-constraints.ts';
import { constraint, group, pod } from './objects.ts';

const db = { app: 'db' };
const budget = { namespace: 'web', name: 'db', selector: { matchLabels: db }, maxUnavailable: 2 };
const none = constraintsFrom({ instances: [], groups: [] }, [], TENANTS_OF_NODES);

describe('the constraints of pods', () => {
  it('have defaults: evicted without a question', () => {
    expect(constraintOf(constraintsOfPods(none, [], []), 'any')).toMatchObject({
      ...{ isStated: false, migrationType: 'MIGRATE', leadTimeSeconds: 0, groups: [] },
    });
  });

  it('make the pods of a budget a group, of its namespace alone', () => {
    const pods = [pod('a', { labels: db }), pod('b', { labels: db, namespace: 'other' }), pod('c')];
    const found = constraintsOfPods(none, pods, [budget]);
    expect(
      pods.map(({ uid }) => groupsOf(found, uid).map(([, { maxImpactedMembers }]) => maxImpactedMembers)),
    ).toEqual([[2], [], []]);
  });

  it('leave a budget of none to the Eviction API, which its owner may answer', () => {
    const a = pod('a', { labels: db });
    const [found] = groupsOf(constraintsOfPods(none, [a], [{ ...budget, maxUnavailable: 0 }]), a.uid);
    expect(found?.[1].maxImpactedMembers).toBe(1);
  });

  it('make replicas that are kept apart a group, of which one leaves at a time', () => {
    const pods = ['a', 'b'].map((name) => pod(name, { keptApart: true }));
    const found = constraintsOfPods(none, pods, []);
    expect(pods.map(({ uid }) => groupsOf(found, uid).map(([, { name }]) => name))).toEqual([
      ['ReplicaSet w in web'],
      ['ReplicaSet w in web'],
    ]);
  });

  it('add to what the owner has stated', () => {
    const a = pod('a', { labels: db });
    const objects = {
      instances: [constraint('1', { instanceId: a.uid, leadTimeSeconds: 9 })],
      groups: [group('g')],
    };
    const found = constraintsOfPods(constraintsFrom(objects, [a], TENANTS_OF_NODES), [a], [budget]);
    expect(constraintOf(found, a.uid)).toMatchObject({
      ...{ isStated: true, leadTimeSeconds: 9, groups: ['web/g', 'PodDisruptionBudget web/db'] },
    });
  });
});
