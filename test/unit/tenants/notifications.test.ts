import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MOVE_ACTIONS, type AskedState } from '../../../src/crds/vocabulary.ts';
import { cloudEvent } from '../../../src/tenants/cloud-event.ts';
import { eventAlarm, type EventAlarm } from '../../../src/tenants/event-alarm.ts';
import { isReplyToken, LONGEST_BASE, replyLinks, type ReplyLinks } from '../../../src/tenants/reply-links.ts';
import { signature } from '../../../src/tenants/signature.ts';
import type { ProjectEvent } from '../../../src/tenants/told.ts';
import { KEY, links, NOW, question, report, session } from './told-events.ts';

const at = NOW;

describe('cloudEvent', () => {
  it('has the attributes of CloudEvents 1.0 and the fields of Fenix', () => {
    expect(cloudEvent(question(), session, { at, links })).toEqual({
      specversion: '1.0',
      id: `${session.uid}-7`,
      source: '/apis/careen.dev/v1alpha1/namespaces/careen-hosts/maintenancesessions/kernel',
      type: 'dev.careen.maintenance.scheduled',
      subject: 'team-a',
      time: '2026-11-27T10:00:00.000Z',
      datacontenttype: 'application/json',
      data: {
        session_id: session.uid,
        state: 'PLANNED_MAINTENANCE',
        project_id: 'team-a',
        instance_ids: ['i1', 'i2'],
        allowed_actions: ['MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION'],
        reply_at: '2026-11-27T10:30:00.250Z',
        actions_at: '2026-11-27T10:30:00.250Z',
        reply_url: links.ofProject(session.uid, 'team-a'),
        metadata: { openstack_release: 'Queens' },
      },
    });
  });

  it('says nothing of a link where answers are taken by other ways only', () => {
    expect(cloudEvent(question(), session, { at }).data).toMatchObject({ reply_url: null });
  });

  it('names the instance in the link when it alone is asked about, and what a project can spare', () => {
    const one = question({ instance: 'i1', instances: ['i1'], give: { vcpus: 4, instances: ['i9'] } });
    expect(cloudEvent(one, session, { at, links }).data).toMatchObject({
      reply_url: links.ofInstance(session.uid, 'team-a', 'i1'),
      scale_in: { vcpus: 4, instance_ids: ['i9'] },
    });
  });

  it('says what the constraint of an instance has, where it alone is asked about', () => {
    const constraint = { migrationType: 'LIVE_MIGRATE', resourceMitigation: true } as const;
    const one = question({ instance: 'i1', instances: ['i1'], ...constraint });
    expect(cloudEvent(one, session, { at, links }).data).toMatchObject({
      migration_type: 'LIVE_MIGRATE',
      resource_mitigation: true,
    });
  });

  it('tells of hosts and of the session', () => {
    const host = { id: '3', type: 'host', host: 'worker-1', state: 'IN_MAINTENANCE' } as const;
    expect(cloudEvent(host, session, { at })).toMatchObject({
      type: 'dev.careen.maintenance.host',
      subject: 'worker-1',
      data: { state: 'IN_MAINTENANCE', host: 'worker-1' },
    });
    const whole = { id: '4', type: 'session', state: 'MAINTENANCE_DONE', percentDone: 100 } as const;
    expect(cloudEvent(whole, session, { at })).toMatchObject({
      type: 'dev.careen.maintenance.session',
      data: { state: 'MAINTENANCE_DONE', percent_done: 100 },
    });
  });
});

describe('signature', () => {
  it('is the HMAC of the time and the body', () => {
    const hex = createHmac('sha256', KEY).update('1795773600.{"a":"é"}', 'utf8').digest('hex');
    expect(signature(KEY, 1795773600, '{"a":"é"}')).toBe(`t=1795773600,v1=${hex}`);
  });
});

/** What a manager reads from the traits: as published ones, it takes what looks like a list or an object for JSON. */
function payloadOf(alarm: EventAlarm | string): Record<string, unknown> {
  if (typeof alarm === 'string') throw new Error(alarm);
  const { traits } = alarm.reason_data.event;
  return Object.fromEntries(
    traits.map(([name, , value]) => [name, /[[{]/.test(value) ? (JSON.parse(value) as unknown) : value]),
  );
}

describe('eventAlarm', () => {
  it('has traits, with lists and objects as text and times without a zone', () => {
    const alarm = eventAlarm(question(), session, links);
    expect(alarm).toEqual({
      reason_data: {
        event: {
          message_id: `${session.uid}-7`,
          event_type: 'maintenance.scheduled',
          traits: [
            ['state', 1, 'PLANNED_MAINTENANCE'],
            ['session_id', 1, session.uid],
            ['project_id', 1, 'team-a'],
            ['instance_ids', 1, links.ofProject(session.uid, 'team-a')],
            ['allowed_actions', 1, '["MIGRATE","LIVE_MIGRATE","OWN_ACTION"]'],
            ['reply_url', 1, links.ofProject(session.uid, 'team-a')],
            ['reply_at', 4, '2026-11-27T10:30:00'],
            ['actions_at', 4, '2026-11-27T10:30:00'],
            ['metadata', 1, '{"openstack_release":"Queens"}'],
          ],
        },
      },
    });
  });

  it('lists the one instance that is asked about', () => {
    const one = question({ instance: 'i1', instances: ['i1'] });
    expect(payloadOf(eventAlarm(one, session, links))).toMatchObject({
      instance_ids: ['i1'],
      reply_url: links.ofInstance(session.uid, 'team-a', 'i1'),
    });
  });

  it('says what the constraint of the one instance does', () => {
    const one = question({
      instance: 'i1',
      instances: ['i1'],
      migrationType: 'MIGRATE',
      resourceMitigation: true,
    });
    expect(payloadOf(eventAlarm(one, session, links))).toMatchObject({
      ...{ migration_type: 'MIGRATE', resource_mitigation: 'true' },
    });
    const without = payloadOf(eventAlarm(question(), session, links));
    expect(without).not.toHaveProperty('migration_type');
    expect(without).not.toHaveProperty('resource_mitigation');
  });

  it('leaves out whole entries of metadata that a trait has no room for', () => {
    const long = { ...session, metadata: { a: 'x'.repeat(200), b: 'y'.repeat(200), c: 'z' } };
    const { metadata } = payloadOf(eventAlarm(question(), long, links));
    expect(metadata).toEqual({ a: 'x'.repeat(200), c: 'z' });
  });

  it('says what is too long for a trait', () => {
    const far: ReplyLinks = { ofProject: () => 'h'.repeat(256), ofInstance: () => '' };
    expect(eventAlarm(question(), session, far)).toBe(
      'instance_ids is longer than the 255 characters of an event alarm',
    );
  });

  const recordings = z
    .object({
      sessions: z.array(
        z.looseObject({
          id: z.string(),
          trace: z.array(
            z.looseObject({ notification: z.looseObject({ eventType: z.string() }).optional() }),
          ),
        }),
      ),
    })
    .parse(JSON.parse(readFileSync(join('test', 'vectors', 'fenix', 'sessions.json'), 'utf8')));
  const payload = z.object({
    state: z.string(),
    session_id: z.string(),
    project_id: z.string(),
    instance_ids: z.union([z.string(), z.array(z.string())]),
    allowed_actions: z.array(z.enum(MOVE_ACTIONS)),
    reply_url: z.string(),
    reply_at: z.string().nullable(),
    actions_at: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
  });
  const recorded = recordings.sessions.flatMap(({ id, trace }) =>
    trace.flatMap(({ notification }) =>
      notification?.eventType === 'maintenance.scheduled'
        ? [{ id, payload: payload.parse(notification['payload']) }]
        : [],
    ),
  );
  const plain: ReplyLinks = {
    ofProject: (uid, project) => `{base}/v1/maintenance/${uid}/${project}`,
    ofInstance: () => '',
  };

  it('says what the recorded service said, in each notification of each session', () => {
    expect(recorded).toHaveLength(61);
    for (const { id, payload: said } of recorded) {
      const isReport = said.state === 'INSTANCE_ACTION_DONE';
      const event: ProjectEvent = {
        ...{ id: '1', type: 'project', project: said.project_id },
        // The recording has only the states of Fenix.
        state: said.state as AskedState | 'INSTANCE_ACTION_DONE',
        instances: Array.isArray(said.instance_ids) ? said.instance_ids : ['i1'],
        allowedActions: said.allowed_actions,
        ...(said.reply_at === null ? {} : { replyBy: '2026-11-27T10:30:00Z' }),
        ...(said.actions_at === null ? {} : { actionsAt: '2026-11-27T10:30:00Z' }),
      };
      const alarm = eventAlarm(event, { ...session, uid: said.session_id }, plain);
      if (typeof alarm === 'string') throw new Error(alarm);
      const { traits } = alarm.reason_data.event;
      const found = Object.fromEntries(traits.map(([name, , value]) => [name, value]));
      const times = isReport ? {} : { reply_at: '2026-11-27T10:30:00', actions_at: '2026-11-27T10:30:00' };
      expect(found, id).toEqual({
        ...{ state: said.state, session_id: said.session_id, project_id: said.project_id },
        instance_ids: isReport ? JSON.stringify(said.instance_ids) : said.instance_ids,
        allowed_actions: JSON.stringify(said.allowed_actions),
        reply_url: said.reply_url,
        ...times,
        metadata: JSON.stringify(isReport ? {} : session.metadata),
      });
      if (!isReport) expect(said.metadata, id).not.toEqual({});
    }
  });
});

describe('the links for answers', () => {
  const [, token = ''] =
    /^http:\/\/127.0.0.1:8081\/([^/]+)\//.exec(links.ofProject(session.uid, 'team-a')) ?? [];

  it('have a token that is that of one project in one session', () => {
    expect(token).toHaveLength(24);
    expect(isReplyToken(KEY, token, session.uid, 'team-a')).toBe(true);
    expect(isReplyToken(KEY, token, session.uid, 'team-b')).toBe(false);
    expect(isReplyToken(KEY, token, 'another', 'team-a')).toBe(false);
    expect(isReplyToken(Buffer.from('another key'), token, session.uid, 'team-a')).toBe(false);
    expect(isReplyToken(KEY, '', session.uid, 'team-a')).toBe(false);
  });

  it('fit a trait, with the longest names', () => {
    const long = replyLinks(`${'h'.repeat(LONGEST_BASE)}/`, KEY);
    const [uid, namespace] = ['u'.repeat(36), 'n'.repeat(63)];
    expect(long.ofInstance(uid, namespace, uid).length).toBeLessThanOrEqual(255);
  });

  it('keep names apart from the path', () => {
    expect(links.ofInstance('a', 'b/c', '../d')).toMatch(/\/v1\/maintenance\/a\/b%2Fc\/\.\.%2Fd$/);
  });
});

describe('a report', () => {
  it('has no deadline, and nothing of the administrator', () => {
    expect(cloudEvent(report(), session, { at, links }).data).toMatchObject({
      ...{ instance_ids: ['i1'], reply_at: null, actions_at: null, metadata: {} },
    });
    expect(payloadOf(eventAlarm(report(), session, links))).not.toHaveProperty('reply_at');
  });
});
