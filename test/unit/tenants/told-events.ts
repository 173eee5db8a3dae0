/** Events for projects, their session, links and webhooks for tests. */
import type { Post, PostAnswer, PostTransport } from '../../../src/tenants/post.ts';
import { replyLinks } from '../../../src/tenants/reply-links.ts';
import type { ProjectEvent, ToldSession } from '../../../src/tenants/told.ts';
import type { WebhookTarget } from '../../../src/tenants/webhook-target.ts';

export const KEY = Buffer.from('a key of the operator, 32 bytes.');
export const SECRET = 'the secret of tenant A';
export const NOW = Date.parse('2026-11-27T10:00:00Z');

export const session: ToldSession = {
  uid: '0e8f0d3c-6b1e-4c59-9a6d-7f1c2b3a4d5e',
  namespace: 'careen-hosts',
  name: 'kernel',
  metadata: { openstack_release: 'Queens' },
};

export const links = replyLinks('http://127.0.0.1:8081', KEY);

export function question(fields: Partial<ProjectEvent> = {}): ProjectEvent {
  return {
    ...{ id: '7', type: 'project', project: 'team-a', state: 'PLANNED_MAINTENANCE', instances: ['i1', 'i2'] },
    allowedActions: ['MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION'],
    replyBy: '2026-11-27T10:30:00.250Z',
    actionsAt: '2026-11-27T10:30:00.250Z',
    ...fields,
  };
}

export function report(fields: Partial<ProjectEvent> = {}): ProjectEvent {
  const { replyBy: _due, actionsAt: _at, ...rest } = question();
  return {
    ...rest,
    id: '8',
    state: 'INSTANCE_ACTION_DONE',
    instances: ['i1'],
    allowedActions: [],
    ...fields,
  };
}

export function target(fields: Partial<WebhookTarget> = {}): WebhookTarget {
  return {
    ...{
      key: 'w1/1',
      url: 'https://hooks.example.com/maintenance',
      format: 'CloudEvents',
      timeoutSeconds: 10,
    },
    secret: () => Buffer.from(SECRET),
    ca: undefined,
    bounds: { webhookHosts: ['hooks.example.com'], allowHttp: false },
    ...fields,
  };
}

export const ACK = JSON.stringify({
  state: 'ACK_PLANNED_MAINTENANCE',
  instance_actions: { i1: 'MIGRATE', i2: 'OWN_ACTION' },
});

/** A transport that answers as the test says, when it says so. */
export class ScriptedReceiver {
  readonly posts: Post[] = [];
  readonly #waiting: ((answer: PostAnswer | Error) => void)[] = [];

  readonly transport: PostTransport = async (post, signal) => {
    this.posts.push(post);
    const { promise, resolve, reject } = Promise.withResolvers<PostAnswer>();
    signal.addEventListener('abort', () => reject(signal.reason as Error));
    this.#waiting.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
    return promise;
  };

  /** Answers the oldest post that has no answer yet. */
  async answer(status: number | Error, text = '', retryAfter?: string): Promise<void> {
    const next = this.#waiting.shift();
    if (!next) throw new Error('nothing was sent');
    next(status instanceof Error ? status : { status, text, retryAfter });
    // The attempt ends after some turns of the queue of promises.
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  }

  /** The states of the posts so far. */
  get states(): string[] {
    return this.posts.map(({ body }) => /"state":"([A-Z_]+)"/.exec(body)?.[1] ?? '');
  }
}
