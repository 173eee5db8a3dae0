import { ApiException } from '@kubernetes/client-node';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CareenEvent, ObjectReference } from '../../src/telemetry/event-object.ts';
import { EventRecorder, type SendEvent } from '../../src/telemetry/events.ts';

type Sent = { readonly method: string; readonly path: string; readonly body: unknown };

const START = Date.parse('2026-11-25T03:00:00Z');
const MINUTE = 60_000;
const NAMESPACED = '/apis/events.k8s.io/v1/namespaces/careen-hosts/events';
const CLUSTER = '/apis/events.k8s.io/v1/namespaces/default/events';

const strategy: ObjectReference = {
  apiVersion: 'careen.dev/v1alpha1',
  kind: 'PatchStrategy',
  namespace: 'careen-hosts',
  name: 'kernel-2026-11',
  uid: 'a1',
};
const pool: ObjectReference = {
  apiVersion: 'careen.dev/v1alpha1',
  kind: 'HostPool',
  name: 'default',
  uid: 'b2',
};
const node = (name: string): ObjectReference => ({
  apiVersion: 'v1',
  kind: 'Node',
  name,
  uid: `uid-${name}`,
});
const locked = (host = 'worker-3'): CareenEvent => ({
  reason: 'HostLocked',
  regarding: strategy,
  related: node(host),
  note: `${host} was taken out of service`,
});
const stage = (number: number): CareenEvent => ({
  reason: 'StageStarted',
  regarding: strategy,
  subject: String(number),
  note: `stage ${String(number)} begins`,
});

let now: number;
let sent: Sent[];
let warnings: { fields: object; message: string }[];
/** What the API server says to the next requests; undefined: it accepts. */
let answers: (Error | undefined)[];
let send: SendEvent;

beforeEach(() => {
  now = START;
  sent = [];
  warnings = [];
  answers = [];
  send = async (method, path, body) => {
    sent.push({ method, path, body });
    const answer = answers.shift();
    if (answer) throw answer;
  };
});

function recorder(instance = 'careen-7d9f-x2'): EventRecorder {
  return new EventRecorder({
    send: (...request) => send(...request),
    log: { warn: (fields, message) => void warnings.push({ fields, message }) },
    instance,
    clock: () => now,
  });
}

/** Records events one after the other, each sent before the next. */
async function tell(events: readonly CareenEvent[], into = recorder()): Promise<EventRecorder> {
  for (const event of events) {
    into.record(event);
    await into.flush(MINUTE);
  }
  return into;
}

const requests = (): string[] =>
  sent.map(({ method, path }) => `${method} ${path.replace(/\.[0-9a-f]{16}$/, '.#')}`);
const refusal = (code: number, cause?: string): Error =>
  new ApiException(
    code,
    'POST /events',
    JSON.stringify({ kind: 'Status', message: 'no', details: { causes: cause ? [{ reason: cause }] : [] } }),
    {},
  );

describe('an event', () => {
  it('is an object of events.k8s.io/v1', async () => {
    await tell([locked()]);
    expect(sent).toEqual([
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

  it('about a cluster-scoped object stands in the namespace default', async () => {
    await tell([{ reason: 'PoolOverlap', regarding: pool, note: 'selects worker-1 of the pool edge' }]);
    expect(sent).toMatchObject([
      { path: CLUSTER, body: { type: 'Warning', action: 'Plan', metadata: { namespace: 'default' } } },
    ]);
    expect(sent[0]?.body).not.toHaveProperty('related');
  });

  it('has a note that is cut below 1 KiB, between two characters', async () => {
    const notes = fc.string({ unit: 'grapheme', minLength: 0, maxLength: 3000 });
    await fc.assert(
      fc.asyncProperty(notes, async (note) => {
        sent = [];
        await tell([{ ...stage(1), note }]);
        const told = (sent[0]?.body as { note: string }).note;
        expect(Buffer.byteLength(told)).toBeLessThan(1024);
        if (told !== note) expect(note.startsWith(told.slice(0, -1))).toBe(true);
      }),
      { numRuns: 50 },
    );
    await tell([{ ...stage(1), note: `x${'ä'.repeat(600)}` }]);
    expect(sent.at(-1)?.body).toMatchObject({ note: `x${'ä'.repeat(499)}…` });
  });

  it('has a note without secrets', async () => {
    await tell([{ ...stage(1), note: 'the webhook was sent Bearer abc.def' }]);
    expect(sent).toMatchObject([{ body: { note: 'the webhook was sent Bearer [redacted]' } }]);
  });

  it('has a name that the API server takes, however long its object is called', async () => {
    const name = `${'a'.repeat(234)}.-${'b'.repeat(17)}`;
    await tell([{ ...locked(), regarding: { ...strategy, name } }]);
    expect(sent).toMatchObject([
      { body: { metadata: { name: expect.stringMatching(/^a{234}\.[0-9a-f]{16}$/) as string } } },
    ]);
  });
});

describe('a repeat', () => {
  it('raises the count of the object that is there', async () => {
    const events = await tell([locked()]);
    now += 4 * MINUTE;
    await tell([locked()], events);
    now += 4 * MINUTE + 250;
    await tell([{ ...locked(), note: 'in other words' }], events);
    expect(requests()).toEqual([
      `POST ${NAMESPACED}`,
      `PATCH ${NAMESPACED}/kernel-2026-11.#`,
      `PATCH ${NAMESPACED}/kernel-2026-11.#`,
    ]);
    expect(sent[0]?.body).toMatchObject({ metadata: { name: sent[2]?.path.split('/').at(-1) } });
    expect(sent[2]?.body).toEqual({
      series: { count: 3, lastObservedTime: '2026-11-25T03:08:00.250000Z' },
    });
  });

  it('after some minutes without one is an event of its own, with another name', async () => {
    const events = await tell([locked()]);
    now += 5 * MINUTE + 1;
    await tell([locked()], events);
    expect(requests()).toEqual([`POST ${NAMESPACED}`, `POST ${NAMESPACED}`]);
    const names = sent.map(({ body }) => (body as { metadata: { name: string } }).metadata.name);
    expect(new Set(names).size).toBe(2);
  });

  it('is only one with the same objects, reason and subject', async () => {
    const events: CareenEvent[] = [
      locked('worker-3'),
      locked('worker-4'),
      { ...locked('worker-3'), reason: 'HostReleased' },
      { ...locked('worker-3'), regarding: { ...strategy, uid: 'made anew' } },
      stage(1),
      stage(2),
    ];
    await tell(events);
    expect(requests()).toEqual(events.map(() => `POST ${NAMESPACED}`));
  });

  it('while the first still waits goes with it', async () => {
    const events = recorder();
    events.record(stage(1)); // is on its way
    events.record(locked());
    events.record(locked());
    events.record(locked());
    await events.flush(MINUTE);
    expect(requests()).toEqual([`POST ${NAMESPACED}`, `POST ${NAMESPACED}`]);
    expect(sent[1]?.body).toMatchObject({ reason: 'HostLocked', series: { count: 3 } });
  });

  it('while the first is on its way is sent afterwards', async () => {
    const events = recorder();
    events.record(locked());
    events.record(locked());
    await events.flush(MINUTE);
    expect(requests()).toEqual([`POST ${NAMESPACED}`, `PATCH ${NAMESPACED}/kernel-2026-11.#`]);
  });

  it('by the same replica after a restart joins what was made before it', async () => {
    await tell([locked()]);
    answers = [refusal(409)];
    now += 10;
    const after = await tell([locked()]);
    await tell([locked()], after);
    expect(sent[1]?.body).toMatchObject({ metadata: { name: sent[2]?.path.split('/').at(-1) } });
    expect(sent.slice(2).map(({ body }) => body)).toMatchObject([
      { series: { count: 2 } },
      { series: { count: 3 } },
    ]);
    expect(warnings).toEqual([]);
  });

  it('by another replica is an event of its own', async () => {
    await tell([locked()]);
    await tell([locked()], recorder('careen-7d9f-q7'));
    expect(requests()).toEqual([`POST ${NAMESPACED}`, `POST ${NAMESPACED}`]);
    expect(sent[0]?.body).not.toMatchObject({
      metadata: { name: (sent[1]?.body as { metadata: { name: string } }).metadata.name },
    });
  });

  it('of an event that expired meanwhile makes it again', async () => {
    const events = await tell([locked()]);
    answers = [refusal(404)];
    now += 1000;
    await tell([locked(), locked()], events);
    expect(requests()).toEqual([
      `POST ${NAMESPACED}`,
      `PATCH ${NAMESPACED}/kernel-2026-11.#`,
      `POST ${NAMESPACED}`,
      `PATCH ${NAMESPACED}/kernel-2026-11.#`,
    ]);
    expect(sent[2]?.body).toMatchObject({ eventTime: '2026-11-25T03:00:01.000000Z' });
    expect(sent[2]?.body).not.toHaveProperty('series');
    expect(sent[3]?.body).toMatchObject({ series: { count: 2 } });
  });
});

describe('when the namespace is going or gone', () => {
  it.each([refusal(403, 'NamespaceTerminating'), refusal(404)])('the node has the event', async (answer) => {
    answers = [answer];
    const events = await tell([locked()]);
    await tell([locked()], events);
    expect(requests()).toEqual([`POST ${NAMESPACED}`, `POST ${CLUSTER}`, `PATCH ${CLUSTER}/worker-3.#`]);
    expect(sent[1]?.body).toMatchObject({
      metadata: { namespace: 'default' },
      regarding: node('worker-3'),
      related: strategy,
      note: 'PatchStrategy careen-hosts/kernel-2026-11: worker-3 was taken out of service',
    });
    expect(warnings).toEqual([]);
  });

  it('an event without a node is only logged', async () => {
    answers = [refusal(403, 'NamespaceTerminating')];
    await tell([stage(1)]);
    expect(sent).toHaveLength(1);
    expect(warnings).toMatchObject([{ fields: { event: 'StageStarted', note: 'stage 1 begins' } }]);
  });

  it('a node that cannot have it either ends it', async () => {
    answers = [refusal(404), refusal(404)];
    await tell([locked()]);
    expect(sent).toHaveLength(2);
    expect(warnings).toHaveLength(1);
  });
});

describe('a failure', () => {
  it('is logged, never thrown, and the next occurrence tries again with the count so far', async () => {
    const error = refusal(500);
    answers = [error, new TypeError('fetch failed')];
    const events = await tell([locked(), locked(), locked()]);
    await tell([stage(1)], events);
    expect(warnings.map(({ fields }) => fields)).toMatchObject([
      { err: error, event: 'HostLocked', regarding: strategy },
      { err: { message: 'fetch failed' } },
    ]);
    expect(requests()).toEqual(Array.from({ length: 4 }, () => `POST ${NAMESPACED}`));
    expect(sent[2]?.body).toMatchObject({ series: { count: 3 } });
  });

  it('of rights is not taken for a namespace that goes', async () => {
    answers = [refusal(403)];
    await tell([locked()]);
    expect(sent).toHaveLength(1);
    expect(warnings).toHaveLength(1);
  });
});

describe('many events', () => {
  const hosts = (count: number): CareenEvent[] =>
    Array.from({ length: count }, (_, index) => locked(`worker-${String(index)}`));

  it('about one object are limited, those about others are not', async () => {
    const events = await tell(hosts(130));
    expect(sent).toHaveLength(120);
    expect(warnings).toMatchObject([{ fields: { dropped: 1, why: 'too many regarding one object' } }]);
    await tell([{ ...locked(), regarding: { ...strategy, name: 'other' } }], events);
    expect(sent).toHaveLength(121);
    now += 3_000;
    await tell(hosts(140).slice(130), events);
    expect(sent).toHaveLength(124);
  });

  it('of a series keep their count for when there is room again', async () => {
    const events = await tell(Array.from({ length: 200 }, () => locked()));
    expect(sent.at(-1)?.body).toMatchObject({ series: { count: 120 } });
    now += 1_000;
    await tell([locked()], events);
    expect(sent.at(-1)?.body).toMatchObject({ series: { count: 201 } });
    expect(warnings).toEqual([]);
  });

  it('tell how many were dropped once a minute', async () => {
    const events = await tell(hosts(150));
    now += MINUTE;
    await tell(
      Array.from({ length: 70 }, (_, index) => stage(index)),
      events,
    );
    expect(warnings.map(({ fields }) => fields)).toMatchObject([{ dropped: 1 }, { dropped: 30 }]);
  });

  it('wait in a queue that does not grow without end', async () => {
    const { promise: never } = Promise.withResolvers<undefined>();
    send = () => never;
    const events = recorder();
    for (let index = 0; index < 600; index += 1)
      events.record({ ...stage(1), regarding: { ...strategy, uid: String(index) } });
    await events.flush(1);
    expect(warnings.map(({ fields }) => fields)).toMatchObject([
      { dropped: 1, why: 'too many wait to be sent' },
      { left: 501 },
    ]);
  });
});

describe('flush', () => {
  it('waits for what was recorded', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    send = async (method, path, body) => {
      await promise;
      sent.push({ method, path, body });
    };
    const events = recorder();
    events.record(stage(1));
    events.record(stage(2));
    const flushed = events.flush(MINUTE);
    expect(sent).toHaveLength(0);
    resolve(undefined);
    await flushed;
    expect(sent).toHaveLength(2);
  });

  it('has nothing to wait for when there is nothing', async () => {
    await recorder().flush(MINUTE);
    expect(warnings).toEqual([]);
  });

  it('does not wait longer than it may', async () => {
    const { promise: never } = Promise.withResolvers<undefined>();
    send = () => never;
    const events = recorder();
    events.record(stage(1));
    await events.flush(1);
    expect(warnings).toMatchObject([{ fields: { left: 1 } }]);
  });
});
