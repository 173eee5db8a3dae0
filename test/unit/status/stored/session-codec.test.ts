import { expect, it } from 'vitest';
import { newSession, told, type SessionProgress } from '../../../../src/engine/session/session-state.ts';
import { sessionIn, sessionStatusOf } from '../../../../src/status/stored/session-codec.ts';

const AT = '2026-11-27T10:00:00.000Z';
const hosts = [
  { name: 'h-1', type: 'compute', maintained: true },
  { name: 'h-2', type: 'compute', maintained: false },
  { name: 'c-1', type: 'controller', maintained: false },
] as const;
const asked = { asked: 'SCALE_IN', askedAt: AT, instances: ['u-1'] } as const;

/** A session that has everything. */
const session: SessionProgress = told(
  told(
    {
      ...newSession(hosts),
      ...{ state: 'SCALE_IN', previousState: 'MAINTENANCE', members: ['a', 'b'] },
      closed: [{ name: 'h-1', closedToNewWorkBefore: false, since: AT }],
      projects: [
        {
          id: 'a',
          question: 3,
          replyBy: '2026-11-27T11:00:00.000Z',
          extendedSeconds: 60,
          ...asked,
          give: { vcpus: 1.5, instances: ['u-1'] },
        },
        { id: 'b', question: 4, replyBy: '2026-11-27T10:30:00.000Z', ...asked },
        {
          ...{ id: 'c', question: 5, replyBy: '2026-11-27T10:10:00.000Z', ...asked },
          answer: { kind: 'ACK', actions: { 'u-1': 'MIGRATE' }, assumed: true },
        },
      ],
      questions: [
        {
          ...{ instance: 'u-2', host: 'h-2', project: 'a', question: 6, asked: 'PLANNED_MAINTENANCE' },
          ...{
            askedAt: AT,
            replyBy: AT,
            migrationType: 'MIGRATE',
            groups: ['a/g'],
            resourceMitigation: true,
          },
          answer: { kind: 'ACK', action: 'OWN_ACTION', assumed: true },
        },
      ],
      agreed: [{ id: 'a', question: 1 }],
      recovering: [{ instance: 'u-3', group: 'a/g', until: AT }],
      moves: [
        { instance: 'u-1', host: 'h-1', project: 'a', action: 'LIVE_MIGRATE', done: true, overran: true },
      ],
      scaleIn: { room: 2.5, rounds: 2 },
    },
    { type: 'host', host: 'h-1', state: 'IN_MAINTENANCE' },
  ),
  {
    ...{ type: 'project', project: 'a', state: 'SCALE_IN', instances: ['u-1'], allowedActions: [] },
    ...{ replyBy: AT, actionsAt: AT, instance: 'u-1', migrationType: 'MIGRATE', resourceMitigation: true },
    give: { vcpus: 2, instances: ['u-1'] },
  },
);

it('a session is read from its status as it was written', () => {
  expect(sessionIn(sessionStatusOf(session))).toEqual(session);
});

it('its status says how many hosts are maintained, and when the first answer that is awaited is due', () => {
  expect(sessionStatusOf(session)).toMatchObject({
    maintained: '1/2',
    nextDeadline: '2026-11-27T10:30:00.000Z',
  });
});

it.each(['MAINTENANCE_FAILED', 'MAINTENANCE_DONE'] as const)('in %s no answer is awaited', (state) => {
  expect(sessionStatusOf({ ...session, state })).not.toHaveProperty('nextDeadline');
});

it('an event that this version does not know is left out', () => {
  const status = sessionStatusOf(session);
  const strange = { id: '9', type: 'session', state: 'MAINTENANCE_PAUSED' } as const;
  expect(sessionIn({ ...status, events: [strange, ...status.events] })).toEqual(session);
});
