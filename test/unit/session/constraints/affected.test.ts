import { describe, expect, it } from 'vitest';
import {
  heldUp,
  waitsForOtherSessions,
  type Groups,
} from '../../../../src/engine/session/constraints/affected.ts';
import type { AffectedMember, Elsewhere } from '../../../../src/engine/session/constraints/elsewhere.ts';
import { againstEveryHost, fullHosts } from '../../../../src/engine/session/constraints/placing.ts';
import type { InstanceQuestion } from '../../../../src/engine/session/session-state.ts';
import { computes, later, LEAVING, membersOf, NOW, pod, viewOf } from './objects.ts';

const [a, b, c] = ['a', 'b', 'c'].map((name) => pod(name)) as [
  ReturnType<typeof pod>,
  ReturnType<typeof pod>,
  ReturnType<typeof pod>,
];

function question(instance: string): InstanceQuestion {
  return {
    ...{
      instance,
      host: 'h1',
      project: 'web',
      asked: 'PLANNED_MAINTENANCE',
      askedAt: later(-9),
      replyBy: later(9),
    },
    ...{ migrationType: 'MIGRATE', groups: ['g'] },
  };
}

function groups(fields: {
  readonly bounds?: Parameters<typeof membersOf>[1];
  readonly session?: Partial<Groups['session']>;
  readonly view?: ReturnType<typeof viewOf>;
  readonly elsewhere?: Elsewhere;
}) {
  const { bounds, session, view = viewOf({ h1: [a, b, c] }), elsewhere } = fields;
  return {
    session: { hosts: computes('h1', 'h2', 'h3'), questions: [], recovering: [], ...session },
    ...{ view, constraints: membersOf([a, b, c], bounds), elsewhere, now: NOW },
  };
}

describe('an instance is held up by its group', () => {
  it('while another member is asked about', () => {
    expect(heldUp(groups({}), a.uid)).toBeUndefined();
    expect(heldUp(groups({ session: { questions: [question(a.uid)] } }), a.uid)).toBeUndefined();
    expect(heldUp(groups({ session: { questions: [question(b.uid)] } }), a.uid)?.reason).toBe(
      'waits for group web/g: 1 of its members are affected, and at most 1 may be at once',
    );
  });

  it('while another member leaves a host of the session, for whatever reason', () => {
    const view = viewOf({ h1: [a], h3: [{ ...b, leaving: LEAVING }] });
    expect(heldUp(groups({ view }), a.uid)).toBeDefined();
    expect(heldUp(groups({ view, bounds: { maxImpactedMembers: 2 } }), a.uid)).toBeUndefined();
  });

  it('while another member recovers, and as long as that', () => {
    const recovering = [{ instance: 'gone', group: 'g', until: later(7) }];
    expect(heldUp(groups({ session: { recovering } }), a.uid)?.until).toBe(NOW + 7000);
    const over = [{ instance: 'gone', group: 'g', until: later(0) }];
    expect(heldUp(groups({ session: { recovering: over } }), a.uid)).toBeUndefined();
    const other = [{ instance: 'gone', group: 'other', until: later(7) }];
    expect(heldUp(groups({ session: { recovering: other } }), a.uid)).toBeUndefined();
  });

  it('counts a member once that recovers and leaves again', () => {
    const view = viewOf({ h1: [a, { ...b, leaving: LEAVING }] });
    const session = { recovering: [{ instance: b.uid, group: 'g', until: later(7) }] };
    expect(heldUp(groups({ view, session, bounds: { maxImpactedMembers: 2 } }), a.uid)).toBeUndefined();
  });

  it('whose members are kept apart, while another one is under way, however many may be affected', () => {
    const view = viewOf({ h1: [a, { ...b, leaving: LEAVING }] });
    const bounds = { maxImpactedMembers: 3, maxInstancesPerHost: 2 };
    expect(heldUp(groups({ view, bounds }), a.uid)?.reason).toContain('kept apart');
    const session = { recovering: [{ instance: c.uid, group: 'g', until: later(7) }] };
    expect(heldUp(groups({ bounds, session }), a.uid)).toBeUndefined();
  });
});

describe('an instance is held up by another session', () => {
  const elsewhere = (...affected: readonly Partial<AffectedMember>[]): Elsewhere => ({
    affected: affected.map((each) => ({
      session: 'MaintenanceSession ops/other',
      instance: 'far',
      group: 'g',
      ...each,
    })),
    ...{ uncertain: [], hosts: [] },
  });

  it('that affects a member of its group, also together with its own one', () => {
    expect(heldUp(groups({ elsewhere: elsewhere({}) }), a.uid)?.reason).toBe(
      'waits for group web/g: 1 of its members are affected (some by MaintenanceSession ops/other), and at most 1 may be at once',
    );
    const bounds = { maxImpactedMembers: 2 };
    expect(heldUp(groups({ elsewhere: elsewhere({}), bounds }), a.uid)).toBeUndefined();
    const session = { questions: [question(b.uid)] };
    expect(heldUp(groups({ elsewhere: elsewhere({}), bounds, session }), a.uid)).toBeDefined();
  });

  it('only for its own groups, and for others than itself', () => {
    expect(heldUp(groups({ elsewhere: elsewhere({ group: 'h' }) }), a.uid)).toBeUndefined();
    expect(heldUp(groups({ elsewhere: elsewhere({ instance: a.uid }) }), a.uid)).toBeUndefined();
  });

  it('until the member there has recovered', () => {
    expect(heldUp(groups({ elsewhere: elsewhere({ until: NOW + 7000 }) }), a.uid)?.until).toBe(NOW + 7000);
    expect(heldUp(groups({ elsewhere: elsewhere({ until: NOW }) }), a.uid)).toBeUndefined();
    const bounds = { recoverySeconds: 7 };
    const left = (seconds: number): Elsewhere => elsewhere({ leftAt: NOW - seconds * 1000 });
    expect(heldUp(groups({ elsewhere: left(2), bounds }), a.uid)?.until).toBe(NOW + 5000);
    expect(heldUp(groups({ elsewhere: left(7), bounds }), a.uid)).toBeUndefined();
  });

  it('counts a member once that both sessions affect', () => {
    const session = { questions: [question(b.uid)] };
    const both = groups({
      ...{ session, elsewhere: elsewhere({ instance: b.uid }), bounds: { maxImpactedMembers: 2 } },
    });
    expect(heldUp(both, a.uid)).toBeUndefined();
  });

  it('while a member there is under way, if members are kept apart', () => {
    const bounds = { maxImpactedMembers: 3, maxInstancesPerHost: 2 };
    expect(heldUp(groups({ elsewhere: elsewhere({}), bounds }), a.uid)?.reason).toBe(
      'waits for another member of group web/g, which is kept apart, to arrive (some by MaintenanceSession ops/other)',
    );
    expect(heldUp(groups({ elsewhere: elsewhere({ until: NOW + 1 }), bounds }), a.uid)).toBeUndefined();
  });

  it('no more once its owner is asked: so two sessions never wait for each other', () => {
    const session = { questions: [question(a.uid)] };
    expect(heldUp(groups({ elsewhere: elsewhere({}), session }), a.uid)).toBeUndefined();
    const uncertain = { ...elsewhere(), uncertain: ['MaintenanceSession ops/other'] };
    expect(heldUp(groups({ elsewhere: uncertain, session }), a.uid)).toBeUndefined();
  });

  it('of which nobody knows yet what it affects, and for a moment', () => {
    const uncertain = { ...elsewhere(), uncertain: ['MaintenanceSession ops/other'] };
    expect(heldUp(groups({ elsewhere: uncertain }), a.uid)).toEqual({
      reason: 'waits until it is known which instances MaintenanceSession ops/other affects',
      until: NOW + 5000,
    });
    const alone = { ...groups({ elsewhere: uncertain }), constraints: membersOf([b]) };
    expect(heldUp(alone, a.uid)).toBeUndefined();
  });

  it('and by nothing else', () => {
    expect(waitsForOtherSessions(groups({ elsewhere: elsewhere({}) }), a.uid)).toBe(true);
    expect(waitsForOtherSessions(groups({}), a.uid)).toBe(false);
    const session = { questions: [question(b.uid)] };
    expect(waitsForOtherSessions(groups({ elsewhere: elsewhere({}), session }), a.uid)).toBe(false);
  });
});

describe('an instance of a group that is kept apart', () => {
  const apart = { maxInstancesPerHost: 1 };

  it('must not go to a host that has as many members as it may', () => {
    const view = viewOf({ h1: [a], h2: [b], h3: [] });
    expect(fullHosts(groups({ view, bounds: apart }), a.uid)).toEqual(['h2']);
    expect(fullHosts(groups({ view, bounds: { maxInstancesPerHost: 2 } }), a.uid)).toEqual([]);
    expect(fullHosts(groups({ view }), a.uid)).toEqual([]);
  });

  it('can be moved to no host where every open one is full', () => {
    const view = viewOf({ h1: [a], h2: [b], h3: [] }, ['h3']);
    expect(againstEveryHost({ ...groups({ view, bounds: apart }), view }, a.uid, 'h1')).toBe(
      'can be moved to no host: every open one has as many members of group web/g as it may',
    );
  });

  it('may be moved where an open host has room for it, or a host that is not of the session could', () => {
    const open = viewOf({ h1: [a], h2: [b], h3: [] });
    expect(
      againstEveryHost({ ...groups({ view: open, bounds: apart }), view: open }, a.uid, 'h1'),
    ).toBeUndefined();
    const larger = viewOf({ h1: [a], h2: [b], h3: [c] }, [], 4);
    expect(
      againstEveryHost({ ...groups({ view: larger, bounds: apart }), view: larger }, a.uid, 'h1'),
    ).toBeUndefined();
  });
});
