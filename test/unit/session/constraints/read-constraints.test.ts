import { describe, expect, it } from 'vitest';
import { constraintOf } from '../../../../src/engine/session/constraints/constraints.ts';
import {
  constraintsFrom,
  TENANTS_OF_NODES,
  type ConstraintObjects,
} from '../../../../src/engine/session/constraints/read-constraints.ts';
import type { InstanceFacts } from '../../../../src/engine/view.ts';
import { constraint, group, pod } from './objects.ts';

function read(
  objects: Partial<ConstraintObjects>,
  instances: readonly InstanceFacts[],
  tenancy = TENANTS_OF_NODES,
) {
  return constraintsFrom({ instances: [], groups: [group('g')], ...objects }, instances, tenancy);
}

const a = pod('a', { labels: { app: 'db' } });

describe('the constraints of instances', () => {
  it('are those of the object with the id, before one that selects the labels, before one with the name', () => {
    const byId = constraint('1', { instanceId: a.uid, leadTimeSeconds: 1 });
    const byLabels = constraint('2', { selector: { matchLabels: { app: 'db' } }, leadTimeSeconds: 2 });
    const byName = constraint('3', { instanceId: 'replaced', instanceName: 'a', leadTimeSeconds: 3 });
    const seconds = (...instances: ConstraintObjects['instances']) =>
      read({ instances }, [a]).instances.get(a.uid)?.leadTimeSeconds;
    expect([seconds(byName, byLabels, byId), seconds(byName, byLabels), seconds(byName)]).toEqual([1, 2, 3]);
  });

  it('cannot be made by another tenant', () => {
    const foreign = constraint('1', { instanceId: a.uid }, 'other');
    const selecting = constraint('2', { selector: { matchLabels: { app: 'db' } } }, 'other');
    const found = read({ instances: [foreign, selecting], groups: [group('g', {}, 'other')] }, [a]);
    expect(constraintOf(found, a.uid)).toContain('has no constraint');
  });

  it('are made in the namespace that stands for the project of a server', () => {
    const server = pod('s', { namespace: 'p1', project: 'p1' });
    const object = constraint('1', { instanceId: server.uid }, 'team');
    const tenancy = { ...TENANTS_OF_NODES, namespaceOf: (id: string) => (id === 'p1' ? 'team' : undefined) };
    const groups = [group('g', {}, 'team')];
    expect(read({ instances: [object], groups }, [server], tenancy).instances.has(server.uid)).toBe(true);
    const stranger = { ...server, project: 'p2' };
    expect(read({ instances: [object], groups }, [stranger], tenancy).instances.size).toBe(0);
  });

  it('do not hold while their group is missing, and hold once it is made', () => {
    const instances = [constraint('1', { instanceId: a.uid })];
    expect(constraintOf(read({ instances, groups: [] }, [a]), a.uid)).toBe(
      'has InstanceConstraint web/1, whose group does not exist: make InstanceGroupConstraint g in web',
    );
    expect(constraintOf(read({ instances }, [a]), a.uid)).toMatchObject({ groups: ['web/g'] });
    expect(read({ instances: [] }, [a]).faults.size).toBe(0);
  });

  it('do not hold where two objects name the instance equally', () => {
    const instances = [constraint('1', { instanceId: a.uid }), constraint('2', { instanceId: a.uid })];
    expect(constraintOf(read({ instances }, [a]), a.uid)).toBe(
      'falls under InstanceConstraint web/1 and InstanceConstraint web/2: one of them must go',
    );
  });

  it('do not hold where the hosts cannot move it so', () => {
    const instances = [constraint('1', { instanceId: a.uid, migrationType: 'LIVE_MIGRATE' })];
    expect(constraintOf(read({ instances }, [a]), a.uid)).toContain('it must be MIGRATE or OWN_ACTION');
  });

  it('have the mitigation of their group, too', () => {
    const instances = [constraint('1', { instanceId: a.uid })];
    const groups = [group('g', { resourceMitigation: true })];
    expect(read({ instances }, [a]).instances.get(a.uid)?.resourceMitigation).toBe(false);
    expect(read({ instances, groups }, [a]).instances.get(a.uid)?.resourceMitigation).toBe(true);
  });

  it('bound how many members share a host only with anti-affinity: one, unless it says more', () => {
    const most = (spec: object) =>
      read({ groups: [group('g', spec)] }, []).groups.get('web/g')?.maxInstancesPerHost;
    expect([
      most({}),
      most({ antiAffinity: true }),
      most({ antiAffinity: true, maxInstancesPerHost: 3 }),
    ]).toEqual([undefined, 1, 3]);
  });
});
