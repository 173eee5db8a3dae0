import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { CareenEvent } from '../../../src/telemetry/event-object.ts';
import { locked, MINUTE, RecordingServer, stage, strategy } from '../support/recorded-events.ts';

let server: RecordingServer;
beforeEach(() => {
  server = new RecordingServer();
});

describe('many events', () => {
  const hosts = (count: number): CareenEvent[] =>
    Array.from({ length: count }, (_, index) => locked(`worker-${String(index)}`));

  it('about one object are limited, without limiting other objects', async () => {
    const events = await server.record(hosts(130));
    expect(server.sent).toHaveLength(120);
    expect(server.warnings).toMatchObject([{ dropped: 1, why: 'too many regarding one object' }]);
    await server.record([{ ...locked(), regarding: { ...strategy, name: 'other' } }], events);
    expect(server.sent).toHaveLength(121);
    server.now += 3_000;
    await server.record(hosts(140).slice(130), events);
    expect(server.sent).toHaveLength(124);
  });

  it('have no larger burst after a quiet time', async () => {
    const events = await server.record([stage(1)]);
    server.now += 4 * MINUTE;
    await server.record(hosts(130), events);
    expect(server.sent).toHaveLength(1 + 120);
  });

  it('of a series keep their count until the limit allows an update', async () => {
    const events = await server.record(Array.from({ length: 200 }, () => locked()));
    expect(server.sent.at(-1)?.body).toMatchObject({ series: { count: 120 } });
    server.now += 1_000;
    await server.record([locked()], events);
    expect(server.sent.at(-1)?.body).toMatchObject({ series: { count: 201 } });
    expect(server.warnings).toEqual([]);
  });

  it('log the number of dropped events once a minute', async () => {
    const events = await server.record(hosts(150));
    server.now += MINUTE;
    await server.record(
      Array.from({ length: 70 }, (_, index) => stage(index)),
      events,
    );
    expect(server.warnings).toMatchObject([{ dropped: 1 }, { dropped: 30 }]);
  });

  it('wait in a bounded queue', async () => {
    server.answering = Promise.withResolvers().promise;
    const events = server.recorder();
    for (let index = 0; index < 600; index += 1)
      events.record({ ...stage(1), regarding: { ...strategy, uid: String(index) } });
    await events.flush(1);
    expect(server.warnings).toMatchObject([{ dropped: 1, why: 'too many wait to be sent' }, { left: 501 }]);
  });
});

describe('flush', () => {
  it('waits for the recorded events', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    server.answering = promise;
    const events = server.recorder();
    events.record(stage(1));
    events.record(stage(2));
    const flushed = events.flush(MINUTE);
    expect(server.sent).toHaveLength(0);
    resolve(undefined);
    await flushed;
    expect(server.sent).toHaveLength(2);
  });

  it('returns at once without events', async () => {
    await server.recorder().flush(MINUTE);
    expect(server.warnings).toEqual([]);
  });

  it('leaves no timer that keeps the process alive', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      await server.record([stage(1)]);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('does not wait longer than its timeout', async () => {
    server.answering = Promise.withResolvers().promise;
    const events = server.recorder();
    events.record(stage(1));
    await events.flush(1);
    expect(server.warnings).toMatchObject([{ left: 1 }]);
  });
});
