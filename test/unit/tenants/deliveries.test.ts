import { describe, expect, it } from 'vitest';
import type { SessionEvent } from '../../../src/engine/session/session-state.ts';
import { Deliveries, type Delivered } from '../../../src/tenants/deliveries.ts';
import type { WebhookTarget } from '../../../src/tenants/webhook-target.ts';
import { ACK, links, NOW, question, report, ScriptedReceiver, session, target } from './told-events.ts';

const MINUTE = 60_000;
const SCALE_IN = question({ id: '9', state: 'SCALE_IN', allowedActions: [] });

/** Deliveries at a time that the test sets, of the targets and events that it names. */
class Scene {
  readonly receiver = new ScriptedReceiver();
  readonly changed: string[] = [];
  now = NOW;
  targets: Readonly<Record<string, readonly WebhookTarget[]>> = { 'team-a': [target()] };
  readonly deliveries = new Deliveries({
    ...{ transport: this.receiver.transport, now: () => this.now, jitter: () => 0, links },
    changed: (uid) => this.changed.push(uid),
  });

  deliver(...events: SessionEvent[]): Delivered {
    return this.deliveries.deliverEvents(session, events, (project) => this.targets[project] ?? [], this.now);
  }
}

describe('deliverEvents', () => {
  it('waits for no receiver, and says when one has answered', async () => {
    const scene = new Scene();
    expect(scene.deliver(question())).toEqual({ done: [], replies: [], results: [] });
    expect(scene.changed).toEqual([]);
    await scene.receiver.answer(202);
    expect(scene.changed).toEqual([session.uid]);
    expect(scene.deliver(question())).toEqual({
      done: ['7'],
      replies: [],
      results: [{ key: 'w1/1', at: NOW, delivery: { kind: 'delivered' } }],
    });
    expect(scene.receiver.posts).toHaveLength(1);
  });

  it('sends one event at a time to a webhook, in order', async () => {
    const scene = new Scene();
    const events = [report(), SCALE_IN];
    scene.deliver(...events);
    scene.deliver(...events);
    expect(scene.receiver.states).toEqual(['INSTANCE_ACTION_DONE']);
    await scene.receiver.answer(500);
    scene.now += 500;
    scene.deliver(...events);
    expect(scene.receiver.states).toEqual(['INSTANCE_ACTION_DONE', 'INSTANCE_ACTION_DONE']);
    await scene.receiver.answer(204);
    expect(scene.deliver(...events).done).toEqual(['8']);
    expect(scene.receiver.states.at(-1)).toBe('SCALE_IN');
  });

  it('lets no webhook wait for another one', async () => {
    const scene = new Scene();
    const other = target({ key: 'w2/1', url: 'https://hooks.example.com/b' });
    scene.targets = { 'team-a': [target()], 'team-b': [other] };
    const forB = question({ id: '10', project: 'team-b' });
    scene.deliver(question(), forB);
    expect(scene.receiver.posts.map(({ url }) => url)).toEqual([target().url, other.url]);
  });

  it('is done with an event when each webhook of the project has it', async () => {
    const scene = new Scene();
    scene.targets = { 'team-a': [target(), target({ key: 'w2/1' })] };
    scene.deliver(question());
    await scene.receiver.answer(202);
    expect(scene.deliver(question()).done).toEqual([]);
    await scene.receiver.answer(202);
    expect(scene.deliver(question()).done).toEqual(['7']);
  });

  it('is done with an event for a project without a webhook, and leaves those that are for no project', () => {
    const scene = new Scene();
    scene.targets = {};
    const whole = { id: '1', type: 'session', state: 'MAINTENANCE', percentDone: 0 } as const;
    expect(scene.deliver(whole, question())).toEqual({ done: ['7'], replies: [], results: [] });
  });

  it('returns an answer until it is taken, or its event is gone', async () => {
    const scene = new Scene();
    scene.targets = { 'team-a': [target(), target({ key: 'w2/1' })] };
    scene.deliver(question());
    await scene.receiver.answer(200, ACK);
    const reply = {
      ...{
        id: 'webhook/w1/1/7',
        target: 'w1/1',
        project: 'team-a',
        question: 7,
        at: NOW,
        state: 'ACK_PLANNED_MAINTENANCE',
      },
      instanceActions: { i1: 'MIGRATE', i2: 'OWN_ACTION' },
    };
    expect(scene.deliver(question()).replies).toEqual([reply]);
    expect(scene.deliver(question()).replies).toEqual([reply]);
    expect(scene.deliveries.taken(session.uid, [reply.id])).toEqual([reply]);
    expect(scene.deliver(question())).toMatchObject({ done: [], replies: [] });
  });

  it('returns no answer to a question that is gone', async () => {
    const scene = new Scene();
    scene.deliver(question());
    await scene.receiver.answer(200, ACK);
    expect(scene.deliver(SCALE_IN).replies).toEqual([]);
  });

  it('tries again when it is time, and no sooner', async () => {
    const scene = new Scene();
    scene.deliver(question());
    await scene.receiver.answer(503, '', '7');
    expect(scene.deliver(question()).wakeAt).toBe(NOW + 7000);
    scene.now += 6999;
    scene.deliver(question());
    expect(scene.receiver.posts).toHaveLength(1);
    scene.now += 1;
    scene.deliver(question());
    expect(scene.receiver.posts).toHaveLength(2);
    const [first, second] = scene.receiver.posts;
    expect(second?.body).toBe(first?.body);
  });

  it('sends no question after its answer was due', async () => {
    const scene = new Scene();
    const short = question({ replyBy: new Date(NOW + 2000).toISOString() });
    scene.deliver(short);
    await scene.receiver.answer(503, '', '20');
    expect(scene.deliver(short).wakeAt).toBe(NOW + 2000);
    scene.now += 2000;
    expect(scene.deliver(short)).toMatchObject({
      done: ['7'],
      results: [
        {
          delivery: {
            kind: 'refused',
            reason:
              'PLANNED_MAINTENANCE was not delivered in its time; the last attempt: the receiver answered 503',
          },
        },
      ],
    });
    expect(scene.receiver.posts).toHaveLength(1);
  });

  it('gives a report up after ten minutes, so that later events do not wait for ever', async () => {
    const scene = new Scene();
    for (let minute = 0; minute <= 9; minute += 1) {
      scene.deliver(report(), SCALE_IN);
      await scene.receiver.answer(500);
      scene.now += MINUTE;
    }
    expect(new Set(scene.receiver.states)).toEqual(new Set(['INSTANCE_ACTION_DONE']));
    scene.now = NOW + 10 * MINUTE;
    expect(scene.deliver(report(), SCALE_IN).done).toEqual(['8']);
  });

  it('passes over an event that the receiver refuses', async () => {
    const scene = new Scene();
    scene.deliver(report(), SCALE_IN);
    await scene.receiver.answer(400);
    expect(scene.deliver(report(), SCALE_IN).done).toEqual(['8']);
    expect(scene.receiver.states.at(-1)).toBe('SCALE_IN');
  });

  it('begins anew with a webhook that was changed', async () => {
    const scene = new Scene();
    scene.deliver(question());
    await scene.receiver.answer(503, '', '20');
    scene.targets = { 'team-a': [target({ key: 'w1/2' })] };
    expect(scene.deliver(question()).results).toEqual([]);
    expect(scene.receiver.posts).toHaveLength(2);
  });

  it('repeats after a restart what is still stored, with the same id', async () => {
    const [before, after] = [new Scene(), new Scene()];
    before.deliver(question());
    await before.receiver.answer(202);
    after.deliver(question());
    const ids = [before, after].map(
      ({ receiver }) => /"id":"([^"]+)"/.exec(receiver.posts[0]?.body ?? '')?.[1],
    );
    expect(ids).toEqual([`${session.uid}-7`, `${session.uid}-7`]);
  });

  it('loses nothing when it is closed', async () => {
    const scene = new Scene();
    scene.deliver(question());
    scene.deliveries.close();
    scene.deliveries.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(scene.changed).toEqual([]);
    expect(scene.deliver(question()).done).toEqual([]);
  });

  it('has at most 64 attempts at once', () => {
    const scene = new Scene();
    const projects = Array.from({ length: 65 }, (_, index) => `team-${String(index)}`);
    scene.targets = Object.fromEntries(projects.map((project) => [project, [target({ key: project })]]));
    const events = projects.map((project, index) => question({ id: String(index), project }));
    expect(scene.deliver(...events).wakeAt).toBe(NOW + 1000);
    expect(scene.receiver.posts).toHaveLength(64);
  });
});
