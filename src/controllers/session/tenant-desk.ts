/** Puts together what sessions need to talk with their tenants: the watches of their objects, and the deliveries. */
import type { KubeConfig } from '@kubernetes/client-node';
import { ConstraintWatch } from '../../resources/constraint-objects.ts';
import { Notices } from '../../resources/notices.ts';
import { sessionUids } from '../../resources/session-uids.ts';
import { WebhookObjects } from '../../resources/webhook-objects.ts';
import { Deliveries } from '../../tenants/deliveries.ts';
import { postOverNetwork } from '../../tenants/post.ts';
import type { ReplyLinks } from '../../tenants/reply-links.ts';
import { NoticeSweep } from './notice-sweep.ts';
import { Tenants, type TenantsDeps } from './tenants.ts';
import { Webhooks } from './webhooks.ts';

export type TenantDeskOptions = Pick<TenantsDeps, 'events' | 'log' | 'clock'> & {
  readonly config: KubeConfig;
  /** Where projects answer by HTTP; undefined: nowhere. */
  readonly replyLinks?: ReplyLinks | undefined;
};

export class TenantDesk {
  readonly tenants: Tenants;
  readonly sweep: NoticeSweep;
  readonly #watches: readonly { start(): void; stop(): void }[];
  readonly #deliveries: Deliveries;

  /** @param changed called with the key of a session when there is news from its projects */
  constructor({ config, log, clock, events, replyLinks }: TenantDeskOptions, changed: (key: string) => void) {
    const watch = { config, log, clock };
    const notices = new Notices(watch);
    this.sweep = new NoticeSweep({ notices, log, sessionsNow: () => sessionUids(config) });
    const constraints = new ConstraintWatch(watch);
    const objects = new WebhookObjects(watch);
    this.#deliveries = new Deliveries({
      ...{ transport: postOverNetwork, now: clock, jitter: Math.random, links: replyLinks },
      changed: (session) => this.tenants.wake(session),
    });
    const webhooks = new Webhooks({ objects, deliveries: this.#deliveries, clock });
    this.tenants = new Tenants({ notices, constraints, webhooks, events, log, clock }, changed);
    this.#watches = [notices, constraints, objects];
  }

  start(): void {
    this.tenants.desk.start();
    for (const watch of this.#watches) watch.start();
  }

  /** Ends watches and deliveries. Safe to call twice. */
  stop(): void {
    for (const watch of this.#watches) watch.stop();
    this.#deliveries.close();
  }
}
