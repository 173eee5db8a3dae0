import { ApiException } from '@kubernetes/client-node';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CareenEvent, ObjectReference } from '../../../src/telemetry/event-object.ts';
import { printable } from '../../../src/crds/text/printable.ts';
import { locked, MINUTE, node, RecordingServer, stage, strategy } from '../support/recorded-events.ts';

const NAMESPACED = '/apis/events.k8s.io/v1/namespaces/careen-hosts/events';
const CLUSTER = '/apis/events.k8s.io/v1/namespaces/default/events';

const pool: ObjectReference = {
  apiVersion: 'careen.dev/v1alpha1',
  kind: 'HostPool',
  name: 'default',
  uid: 'b2',
};
const refusal = (code: number, cause?: string): Error =>
  new ApiException(
    code,
    'POST /events',
    JSON.stringify({ kind: 'Status', message: 'no', details: { causes: cause ? [{ reason: cause }] : [] } }),
    {},
  );

let server: RecordingServer;
beforeEach(() => {
  server = new RecordingServer();
});

describe('an event', () => {
  it('is an object of events.k8s.io/v1', async () => {
    await server.record([locked()]);
    expect(server.sent).toEqual([
      {
        method: 'POST',
        path: NAMESPACED,
        body: {
          apiVersion: 'events.k8s.io/v1',
          kind: 'Event',
          metadata: {
            name: expect.stringMatching(/^kernel-2026-11\.[0-9a-f]{16}$/) as string,
            namespace: 'careen-hosts',
          },
          eventTime: '2026-11-25T03:00:00.000000Z',
          type: 'Normal',
          reason: 'HostLocked',
          action: 'Lock',
          regarding: strategy,
          related: node('worker-3'),
          note: 'worker-3 was taken out of service',
          reportingController: 'careen.dev/operator',
          reportingInstance: 'careen-7d9f-x2',
        },
      },
    ]);
  });

  it('about a cluster-scoped object is in the namespace default', async () => {
    await server.record([
      { reason: 'PoolOverlap', regarding: pool, note: 'selects worker-1 of the pool edge' },
    ]);
    expect(server.sent).toMatchObject([
      { path: CLUSTER, body: { type: 'Warning', action: 'Plan', metadata: { namespace: 'default' } } },
    ]);
    expect(server.sent[0]?.body).not.toHaveProperty('related');
  });

  it('has a note that is cut below 1 KiB, between two characters', async () => {
    const notes = fc.string({ unit: 'grapheme', minLength: 0, maxLength: 3000 });
    await fc.assert(
      fc.asyncProperty(notes, async (note) => {
        server = new RecordingServer();
        await server.record([{ ...stage(1), note }]);
        const sent = (server.sent[0]?.body as { note: string }).note;
        expect(Buffer.byteLength(sent)).toBeLessThan(1024);
        const shown = printable(note);
        if (sent !== shown) expect(shown.startsWith(sent.slice(0, -1))).toBe(true);
      }),
      { numRuns: 50 },
    );
    await server.record([{ ...stage(1), note: `x${'ä'.repeat(600)}` }]);
    expect(server.sent.at(-1)?.body).toMatchObject({ note: `x${'ä'.repeat(499)}…` });
  });

  it('has a note without secrets', async () => {
    await server.record([{ ...stage(1), note: 'the webhook was sent Bearer abc.def' }]);
    expect(server.sent).toMatchObject([{ body: { note: 'the webhook was sent Bearer [redacted]' } }]);
  });

  it('has a reporting instance that the API server accepts', async () => {
    await server.record([stage(1)], server.recorder('x'.repeat(200)));
    expect(server.sent).toMatchObject([{ body: { reportingInstance: 'x'.repeat(128) } }]);
  });

  it('has a name that the API server accepts, for any length of the name of its object', async () => {
    const name = `${'a'.repeat(234)}.-${'b'.repeat(17)}`;
    await server.record([{ ...locked(), regarding: { ...strategy, name } }]);
    expect(server.sent).toMatchObject([
      { body: { metadata: { name: expect.stringMatching(/^a{234}\.[0-9a-f]{16}$/) as string } } },
    ]);
  });
});

describe('a repeat', () => {
  it('raises the count of the stored object', async () => {
    const events = await server.record([locked()]);
    server.now += 4 * MINUTE;
    await server.record([locked()], events);
    server.now += 4 * MINUTE + 250;
    await server.record([{ ...locked(), note: 'in other words' }], events);
    expect(server.requests()).toEqual([
      `POST ${NAMESPACED}`,
      `PATCH ${NAMESPACED}/kernel-2026-11.#`,
      `PATCH ${NAMESPACED}/kernel-2026-11.#`,
    ]);
    expect(server.sent[0]?.body).toMatchObject({
      metadata: { name: server.sent[2]?.path.split('/').at(-1) },
    });
    expect(server.sent[2]?.body).toEqual({
      series: { count: 3, lastObservedTime: '2026-11-25T03:08:00.250000Z' },
    });
  });

  it('after some minutes without one is an event of its own, with another name', async () => {
    const events = await server.record([locked()]);
    server.now += 5 * MINUTE + 1;
    await server.record([locked()], events);
    expect(server.requests()).toEqual([`POST ${NAMESPACED}`, `POST ${NAMESPACED}`]);
    const names = server.sent.map(({ body }) => (body as { metadata: { name: string } }).metadata.name);
    expect(new Set(names).size).toBe(2);
  });

  it('has the same objects, reason and subject', async () => {
    const events: CareenEvent[] = [
      locked('worker-3'),
      locked('worker-4'),
      { ...locked('worker-3'), reason: 'HostReleased' },
      { ...locked('worker-3'), regarding: { ...strategy, uid: 'made anew' } },
      stage(1),
      stage(2),
    ];
    await server.record(events);
    expect(server.requests()).toEqual(events.map(() => `POST ${NAMESPACED}`));
  });

  it('while the first is in the queue is sent with it', async () => {
    const events = server.recorder();
    events.record(stage(1)); // is in flight
    events.record(locked());
    events.record(locked());
    events.record(locked());
    await events.flush(MINUTE);
    expect(server.requests()).toEqual([`POST ${NAMESPACED}`, `POST ${NAMESPACED}`]);
    expect(server.sent[1]?.body).toMatchObject({ reason: 'HostLocked', series: { count: 3 } });
  });

  it('while the first is in flight is sent afterwards', async () => {
    const events = server.recorder();
    events.record(locked());
    events.record(locked());
    await events.flush(MINUTE);
    expect(server.requests()).toEqual([`POST ${NAMESPACED}`, `PATCH ${NAMESPACED}/kernel-2026-11.#`]);
  });

  it('by the same replica after a restart joins the event from before', async () => {
    await server.record([locked()]);
    server.answers = [refusal(409)];
    server.now += 10;
    const after = await server.record([locked()]);
    await server.record([locked()], after);
    expect(server.sent[1]?.body).toMatchObject({
      metadata: { name: server.sent[2]?.path.split('/').at(-1) },
    });
    expect(server.sent.slice(2).map(({ body }) => body)).toMatchObject([
      { series: { count: 2 } },
      { series: { count: 3 } },
    ]);
    expect(server.warnings).toEqual([]);
  });

  it('by another replica is an event of its own', async () => {
    await server.record([locked()]);
    await server.record([locked()], server.recorder('careen-7d9f-q7'));
    expect(server.requests()).toEqual([`POST ${NAMESPACED}`, `POST ${NAMESPACED}`]);
    expect(server.sent[0]?.body).not.toMatchObject({
      metadata: { name: (server.sent[1]?.body as { metadata: { name: string } }).metadata.name },
    });
  });

  it('of an expired event creates it again', async () => {
    const events = await server.record([locked()]);
    server.answers = [refusal(404)];
    server.now += 1000;
    await server.record([locked(), locked()], events);
    expect(server.requests()).toEqual([
      `POST ${NAMESPACED}`,
      `PATCH ${NAMESPACED}/kernel-2026-11.#`,
      `POST ${NAMESPACED}`,
      `PATCH ${NAMESPACED}/kernel-2026-11.#`,
    ]);
    expect(server.sent[2]?.body).toMatchObject({ eventTime: '2026-11-25T03:00:01.000000Z' });
    expect(server.sent[2]?.body).not.toHaveProperty('series');
    expect(server.sent[3]?.body).toMatchObject({ series: { count: 2 } });
  });

  it('during the recreation of an expired event is counted, too', async () => {
    const events = await server.record([locked()]);
    server.answers = [refusal(404)];
    events.record(locked()); // is in flight
    events.record(locked());
    await events.flush(MINUTE);
    expect(server.sent.slice(2)).toMatchObject([
      { method: 'POST', body: { series: { count: 2 } } },
      { method: 'PATCH', body: { series: { count: 2 } } },
    ]);
  });
});

describe('when the namespace is terminating or gone', () => {
  it.each([refusal(403, 'NamespaceTerminating'), refusal(404)])('the node has the event', async (answer) => {
    server.answers = [answer];
    const events = await server.record([locked()]);
    await server.record([locked()], events);
    expect(server.requests()).toEqual([
      `POST ${NAMESPACED}`,
      `POST ${CLUSTER}`,
      `PATCH ${CLUSTER}/worker-3.#`,
    ]);
    expect(server.sent[1]?.body).toMatchObject({
      metadata: { namespace: 'default' },
      regarding: node('worker-3'),
      related: strategy,
      note: 'PatchStrategy careen-hosts/kernel-2026-11: worker-3 was taken out of service',
    });
    expect(server.warnings).toEqual([]);
  });

  it('an event about a pool, which has no namespace, does not move', async () => {
    server.answers = [refusal(404)];
    await server.record([{ ...locked(), regarding: pool }]);
    expect(server.sent).toHaveLength(1);
    expect(server.warnings).toHaveLength(1);
  });

  it('an event without a node is only logged', async () => {
    server.answers = [refusal(403, 'NamespaceTerminating')];
    await server.record([stage(1)]);
    expect(server.sent).toHaveLength(1);
    expect(server.warnings).toMatchObject([{ event: 'StageStarted', note: 'stage 1 begins' }]);
  });

  it('an event that the node refuses, too, is dropped', async () => {
    server.answers = [refusal(404), refusal(404)];
    await server.record([locked()]);
    expect(server.sent).toHaveLength(2);
    expect(server.warnings).toHaveLength(1);
  });
});

describe('a failure', () => {
  it('is logged, never thrown, and the next occurrence is sent with the count so far', async () => {
    const error = refusal(500);
    server.answers = [error, new TypeError('fetch failed')];
    const events = await server.record([locked(), locked(), locked()]);
    await server.record([stage(1)], events);
    expect(server.warnings).toMatchObject([
      { err: error, event: 'HostLocked', regarding: strategy },
      { err: { message: 'fetch failed' } },
    ]);
    expect(server.requests()).toEqual(Array.from({ length: 4 }, () => `POST ${NAMESPACED}`));
    expect(server.sent[2]?.body).toMatchObject({ series: { count: 3 } });
  });

  it('for missing rights is not treated as a terminating namespace', async () => {
    server.answers = [refusal(403)];
    await server.record([locked()]);
    expect(server.sent).toHaveLength(1);
    expect(server.warnings).toHaveLength(1);
  });
});
