/** What the status of a webhook says of the answer that came in its response. */
import { expect, it } from 'vitest';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import {
  maintenanceWebhookSpec,
  type MaintenanceWebhookStatus,
} from '../../../src/crds/maintenance-webhook.ts';
import { Webhooks } from '../../../src/controllers/session/webhooks.ts';
import type { SessionEvent } from '../../../src/engine/session/session-state.ts';
import type { StoredWebhook, WebhookObjects } from '../../../src/resources/webhook-objects.ts';
import { Deliveries } from '../../../src/tenants/deliveries.ts';
import { ACK, links, NOW, question, ScriptedReceiver, session, SECRET } from '../tenants/told-events.ts';

const POOL = hostPoolSpec.parse({
  provider: { kubernetes: {} },
  maxUnavailable: 1,
  tenants: { webhookHosts: ['hooks.example.com'] },
});

/** One webhook of team-a, its receiver, and what its status says. */
class Scene {
  readonly receiver = new ScriptedReceiver();
  now = NOW;
  status: MaintenanceWebhookStatus = {};
  readonly #objects: Pick<WebhookObjects, 'in' | 'secretOf' | 'write'> = {
    in: async () => [this.#webhook],
    secretOf: async () => ({ secret: Buffer.from(SECRET).toString('base64') }),
    write: async (_webhook, status) => {
      this.status = status;
    },
  };
  readonly webhooks = new Webhooks({
    // Only these methods are called.
    objects: this.#objects as WebhookObjects,
    deliveries: new Deliveries({
      ...{ transport: this.receiver.transport, now: () => this.now, jitter: () => 0, links },
      changed: () => undefined,
    }),
    clock: () => this.now,
  });

  get #webhook(): StoredWebhook {
    return {
      metadata: { namespace: 'team-a', name: 'hook', uid: 'w1', resourceVersion: '1', generation: 1 },
      spec: maintenanceWebhookSpec.parse({ url: 'https://hooks.example.com/', secretRef: { name: 's' } }),
      status: this.status,
    };
  }

  get ready(): string {
    const [ready] = this.status.conditions ?? [];
    return `${String(ready?.reason)}: ${String(ready?.message)}`;
  }

  deliver(...events: SessionEvent[]) {
    return this.webhooks.deliver(session, { events }, POOL);
  }
}

it('says why it was refused, until the next notification', async () => {
  const scene = new Scene();
  await scene.deliver(question());
  await scene.receiver.answer(200, ACK);
  const { replies } = await scene.deliver(question());
  const [{ id } = expect.fail('no answer')] = replies;
  scene.now += 1000;
  expect(scene.webhooks.taken(session.uid, [{ id, answer: 'refused', message: 'it lacks i3' }])).toBe(true);
  await scene.deliver();
  expect(scene.ready).toBe('AnswerRefused: it lacks i3');
  await scene.deliver();
  expect(scene.ready).toBe('AnswerRefused: it lacks i3');
  await scene.deliver(question({ id: '9' }));
  await scene.receiver.answer(202, '');
  await scene.deliver(question({ id: '9' }));
  expect(scene.ready).toBe('Delivered: the last notification was delivered');
});

it('says nothing of an answer that counts', async () => {
  const scene = new Scene();
  await scene.deliver(question());
  await scene.receiver.answer(200, ACK);
  const { replies } = await scene.deliver(question());
  const accepted = replies.map(({ id }) => ({ id, answer: 'accepted', message: '' }) as const);
  expect(scene.webhooks.taken(session.uid, accepted)).toBe(false);
  await scene.deliver();
  expect(scene.ready).toBe('Delivered: the last notification was delivered');
});
