import { describe, expect, it } from 'vitest';
import {
  maintenanceWebhookSpec,
  maintenanceWebhookStatus,
  type MaintenanceWebhookStatus,
} from '../../../src/crds/maintenance-webhook.ts';
import { webhookStatus, type WebhookFacts } from '../../../src/tenants/webhook-status.ts';
import { webhookTarget } from '../../../src/tenants/webhook-target.ts';
import { NOW, SECRET } from './told-events.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const bounds = { webhookHosts: ['a.example.com'], allowHttp: false };
const data = { secret: base64(SECRET), 'ca.crt': base64('PEM') };

function made(spec: object, secret: Record<string, string> | undefined = data) {
  const full = { url: 'https://a.example.com/', secretRef: { name: 's' }, ...spec };
  return webhookTarget(
    { metadata: { uid: 'w1', generation: 3 }, spec: maintenanceWebhookSpec.parse(full) },
    secret,
    bounds,
  );
}

describe('webhookTarget', () => {
  it('has what a call needs, and another key after each change', () => {
    const target = made({});
    expect(target).toMatchObject({
      key: 'w1/3',
      format: 'CloudEvents',
      timeoutSeconds: 10,
      ca: 'PEM',
      bounds,
    });
    expect('secret' in target && String(target.secret?.())).toBe(SECRET);
  });

  it('shows the key to no log and no error', () => {
    const target = made({});
    expect(JSON.stringify(target)).not.toContain(SECRET);
    expect(JSON.stringify(target)).not.toContain(data.secret);
  });

  it('needs no key for event alarms', () => {
    expect(made({ format: 'EventAlarm', secretRef: undefined }, undefined)).toMatchObject({
      format: 'EventAlarm',
    });
    expect(made({ format: 'EventAlarm' }, { 'ca.crt': data['ca.crt'] })).toMatchObject({ ca: 'PEM' });
  });

  it.each([
    [{ url: 'http://a.example.com/' }, data, 'NotAllowed', /^http is not allowed/],
    [{ url: 'https://b.example.com/' }, data, 'NotAllowed', /does not allow the host b\.example\.com/],
    [{ url: 'https://[' }, data, 'NotAllowed', /is no address/],
    [{}, {}, 'SecretUnusable', /^Secret s has no key "secret": add it$/],
    [{}, { secret: base64('15 bytes of key') }, 'SecretUnusable', /too short: use 16 random bytes or more$/],
  ] as const)('refuses %j with %j', (spec, secret, reason, message) => {
    const says: unknown = expect.stringMatching(message);
    expect(made(spec, secret)).toEqual({ reason, message: says });
  });

  it('says how to let Careen read the Secret', () => {
    const webhook = {
      metadata: { uid: 'w1' },
      spec: maintenanceWebhookSpec.parse({ url: 'https://a.example.com/', secretRef: { name: 's' } }),
    };
    const says: unknown = expect.stringMatching(
      /^Secret s is missing, or Careen may not read it: .* careen-tenant,/,
    );
    expect(webhookTarget(webhook, undefined, bounds)).toEqual({ reason: 'SecretUnusable', message: says });
  });
});

const T = ['2026-11-27T10:00:00.000Z', '2026-11-27T10:01:00.000Z', '2026-11-27T10:02:00.000Z'] as const;
const delivered: WebhookFacts = { at: NOW, delivery: { kind: 'delivered' } };
const failed: WebhookFacts = {
  at: NOW,
  delivery: { kind: 'later', at: NOW + 1, reason: 'the receiver answered 503' },
};

function shown(status: MaintenanceWebhookStatus) {
  expect(maintenanceWebhookStatus.parse(status)).toEqual(status);
  const [ready] = status.conditions ?? [];
  return [ready?.status, ready?.reason, ready?.lastTransitionTime, status.lastDeliveryTime];
}

describe('webhookStatus', () => {
  it('shows the last delivery, and since when it is so', () => {
    const first = webhookStatus({}, undefined, 1, T[0]);
    expect(shown(first)).toEqual(['True', 'NothingSent', T[0], undefined]);
    const second = webhookStatus(first, delivered, 1, T[1]);
    expect(shown(second)).toEqual(['True', 'Delivered', T[0], T[0]]);
    const third = webhookStatus(second, failed, 1, T[2]);
    expect(shown(third)).toEqual(['False', 'NotDelivered', T[2], T[0]]);
    expect(third.conditions?.[0]?.message).toBe('the receiver answered 503');
  });

  it('keeps what it shows in a new process, until the webhook is changed or can be used again', () => {
    const before = webhookStatus({}, failed, 1, T[0]);
    expect(webhookStatus(before, undefined, 1, T[1])).toBe(before);
    expect(shown(webhookStatus(before, undefined, 2, T[1]))).toEqual([
      'True',
      'NothingSent',
      T[1],
      undefined,
    ]);
    const unusable = webhookStatus({}, { reason: 'SecretUnusable', message: 'none' }, 1, T[0]);
    expect(shown(unusable)).toEqual(['False', 'SecretUnusable', T[0], undefined]);
    expect(shown(webhookStatus(unusable, undefined, 1, T[1]))).toEqual([
      'True',
      'NothingSent',
      T[1],
      undefined,
    ]);
  });

  it('shows a response that was to be an answer', () => {
    const facts = { at: NOW, delivery: { kind: 'delivered', problem: 'no answer' } } as const;
    expect(shown(webhookStatus({}, facts, 1, T[0]))).toEqual(['False', 'AnswerUnreadable', T[0], T[0]]);
  });

  it('says why an answer was refused, and keeps when it was delivered', () => {
    const before = webhookStatus({}, delivered, 1, T[0]);
    const status = webhookStatus(before, { at: NOW, refusal: 'it lacks i2' }, 1, T[1]);
    expect(shown(status)).toEqual(['False', 'AnswerRefused', T[1], T[0]]);
    expect(status.conditions?.[0]?.message).toBe('it lacks i2');
  });
});
