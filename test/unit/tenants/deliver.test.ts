import { describe, expect, it } from 'vitest';
import { deliver, type Delivery, type Sending } from '../../../src/tenants/deliver.ts';
import { PostError } from '../../../src/tenants/post.ts';
import { signature } from '../../../src/tenants/signature.ts';
import {
  ACK,
  links,
  NOW,
  question,
  report,
  ScriptedReceiver,
  session,
  SECRET,
  target,
} from './told-events.ts';

const signal = new AbortController().signal;

async function delivery(
  status: number | Error,
  text = '',
  { retryAfter, jitter = 0, ...fields }: Partial<Sending> & { retryAfter?: string; jitter?: number } = {},
): Promise<Delivery> {
  const receiver = new ScriptedReceiver();
  const sending = { event: question(), session, target: target(), firstAt: NOW, failures: 0, ...fields };
  const means = { transport: receiver.transport, now: () => NOW, jitter: () => jitter, links };
  const result = deliver(means, sending, signal);
  await receiver.answer(status, text, retryAfter);
  return result;
}

async function posted(fields: Partial<Sending>, withLinks = true) {
  const receiver = new ScriptedReceiver();
  const sending = {
    event: question(),
    session,
    target: target(),
    firstAt: NOW - 5000,
    failures: 1,
    ...fields,
  };
  const means = {
    ...{ transport: receiver.transport, now: () => NOW, jitter: () => 0 },
    links: withLinks ? links : undefined,
  };
  const result = deliver(means, sending, signal);
  const [post] = receiver.posts;
  if (post) await receiver.answer(202);
  return { post, result: await result };
}

describe('deliver', () => {
  it('signs the body with the time of the attempt, and repeats the body of the first', async () => {
    const { post } = await posted({});
    expect(post?.headers).toMatchObject({
      'Content-Type': 'application/cloudevents+json',
      'Careen-Signature': signature(Buffer.from(SECRET), NOW / 1000, post?.body ?? ''),
    });
    expect(post?.body).toContain(`"time":"${new Date(NOW - 5000).toISOString()}"`);
    expect(post).toMatchObject({ url: target().url, timeoutMs: 10_000 });
  });

  it('sends event alarms, signed where there is a Secret', async () => {
    const { post } = await posted({ target: target({ format: 'EventAlarm' }) });
    expect(post?.headers).toMatchObject({ 'Content-Type': 'application/json' });
    expect(post?.headers).toHaveProperty('Careen-Signature');
    expect(post?.body).toMatch(/^\{"reason_data":/);
    const { post: unsigned } = await posted({ target: target({ format: 'EventAlarm', secret: undefined }) });
    expect(unsigned?.headers).not.toHaveProperty('Careen-Signature');
  });

  it('refuses event alarms where no answers are taken', async () => {
    const { post, result } = await posted({ target: target({ format: 'EventAlarm' }) }, false);
    expect(post).toBeUndefined();
    expect(result).toEqual({
      kind: 'refused',
      reason: 'format EventAlarm needs the server of answers, which is not configured: use CloudEvents',
    });
  });

  it('takes the answer in the response', async () => {
    expect(await delivery(200, ACK)).toEqual({
      kind: 'delivered',
      answer: {
        state: 'ACK_PLANNED_MAINTENANCE',
        instanceActions: { i1: 'MIGRATE', i2: 'OWN_ACTION' },
      },
    });
    expect(await delivery(200, '{"state":"NACK_PLANNED_MAINTENANCE"}')).toEqual({
      kind: 'delivered',
      answer: { state: 'NACK_PLANNED_MAINTENANCE' },
    });
  });

  it('takes the action for the one instance that is asked about', async () => {
    const event = question({ instance: 'i1', instances: ['i1'] });
    const text = '{"state":"ACK_PLANNED_MAINTENANCE","instance_action":"MIGRATE"}';
    expect(await delivery(200, text, { event })).toMatchObject({
      answer: { instanceActions: { i1: 'MIGRATE' } },
    });
  });

  it.each([202, 204, 200])('waits for the answer after %i without a body', async (status) => {
    expect(await delivery(status)).toEqual({ kind: 'delivered' });
  });

  it('reads an answer only in a response 200', async () => {
    expect(await delivery(202, ACK)).toEqual({ kind: 'delivered' });
  });

  it('says what is wrong with a response that is no answer', async () => {
    for (const text of ['OK', '{"ok":true}', '{"state":7}', '{"state":"ACK_X","instance_actions":[]}'])
      expect(await delivery(200, text)).toEqual({
        kind: 'delivered',
        problem:
          'the response 200 is no answer: send {"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": ' +
          '{"<instance>": "MIGRATE"}}, or 202 without a body to answer later',
      });
  });

  it('expects no answer to a report', async () => {
    expect(await delivery(200, ACK, { event: report() })).toEqual({ kind: 'delivered' });
    expect(await delivery(200, 'OK', { event: report() })).toEqual({ kind: 'delivered' });
  });

  it.each([401, 403, 404, 408, 423, 425, 429, 500, 503])('tries again after %i', async (status) => {
    const reason = `the receiver answered ${String(status)}`;
    expect(await delivery(status, 'secret words')).toEqual({ kind: 'later', at: NOW + 500, reason });
  });

  it('tries again when there was no answer', async () => {
    const reason = 'no connection: ECONNREFUSED';
    expect(await delivery(new PostError(reason))).toEqual({ kind: 'later', at: NOW + 500, reason });
  });

  it.each([400, 405, 410, 422])('takes %i for a refusal', async (status) => {
    expect(await delivery(status, 'secret words')).toEqual({
      kind: 'refused',
      reason: `the receiver answered ${String(status)}`,
    });
  });

  it('follows no redirect', async () => {
    expect(await delivery(307)).toEqual({
      kind: 'refused',
      reason: 'the receiver answered 307: redirects are not followed; set spec.url to the new address',
    });
  });

  it.each([
    [0, 0, 500],
    [0, 0.999, 1000],
    [1, 0, 1000],
    [4, 0, 8000],
    [5, 0, 15_000],
    [50, 0.999, 29_985],
  ])('pauses longer after each failure, after %i with jitter %f for %i ms', async (failures, jitter, ms) => {
    const result = await delivery(500, '', { failures, jitter });
    expect(result).toHaveProperty('at', expect.closeTo(NOW + ms, -2) as unknown);
  });

  it('waits as long as the receiver wishes, within bounds', async () => {
    expect(await delivery(503, '', { retryAfter: '7' })).toMatchObject({ at: NOW + 7000 });
    expect(await delivery(503, '', { retryAfter: '9999' })).toMatchObject({ at: NOW + 30_000 });
    expect(await delivery(503, '', { retryAfter: 'soon' })).toMatchObject({ at: NOW + 500 });
  });
});
