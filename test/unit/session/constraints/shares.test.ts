import { describe, expect, it } from 'vitest';
import { sharesOf } from '../../../../src/engine/session/constraints/shares.ts';
import type { Occupied } from '../../../../src/engine/session/occupancy.ts';
import type { InstanceFacts } from '../../../../src/engine/view.ts';
import { computes, membersOf, pod } from './objects.ts';

function occupied(loads: Readonly<Record<string, readonly InstanceFacts[]>>, capacity = 4): Occupied[] {
  return computes(...Object.keys(loads)).map((host) => {
    const instances = loads[host.name] ?? [];
    return {
      host,
      ...{ instances, capacity, labels: {} },
      free: capacity - instances.reduce((sum, { size = 0 }) => sum + size, 0),
    };
  });
}

const all = ['a', 'b', 'c', 'd', 'e'].map((name, index) =>
  pod(name, { size: 1, namespace: index < 2 ? 'web' : 'db' }),
);
const [a, b, c, d, e] = all as [InstanceFacts, InstanceFacts, InstanceFacts, InstanceFacts, InstanceFacts];
const full = pod('full', { size: 4, namespace: 'other' });

describe('the shares of projects in SCALE_IN', () => {
  it('are the room that is missing for one host, of the host that is emptied next first', () => {
    // Free: 2 of the 4 that a host has.
    const hosts = occupied({ h1: [a, b], h2: [full] });
    const shares = sharesOf(hosts, membersOf([a, b, full], { maxImpactedMembers: 2 }));
    expect(Object.fromEntries(shares)).toEqual({ web: { vcpus: 2, instances: [a.uid, b.uid] } });
  });

  it('take no more members of a group than may be affected at once', () => {
    const hosts = occupied({ h1: [a, b, c], h2: [full] });
    const shares = sharesOf(hosts, membersOf([a, b, c, full], { maxImpactedMembers: 1 }));
    expect(Object.fromEntries(shares)).toEqual({ web: { vcpus: 1, instances: [a.uid] } });
  });

  it('are of several projects where one does not suffice', () => {
    const hosts = occupied({ h1: [a, b, c], h2: [d, e, pod('f', { size: 2 })] });
    const constraints = membersOf([], {});
    const shares = sharesOf(hosts, constraints);
    expect([...shares].map(([project, { vcpus }]) => [project, vcpus])).toEqual([
      ['web', 2],
      ['db', 1],
    ]);
  });

  it('are what runs on the host that is emptied next, where there is room, but scattered', () => {
    const hosts = occupied({
      h1: [a],
      h2: [pod('x', { size: 3, namespace: 'db' })],
      h3: [pod('y', { size: 3, namespace: 'db' })],
    });
    expect(Object.fromEntries(sharesOf(hosts, membersOf([])))).toEqual({
      web: { vcpus: 1, instances: [a.uid] },
    });
  });
});
