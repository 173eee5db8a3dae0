/** Delivers what a session tells its projects to their webhooks, and shows on each webhook what became of it. */
import type { HostPoolSpec } from '../../crds/host-pool.ts';
import type { ProjectReply, SessionEvent, SessionProgress } from '../../engine/session/session-state.ts';
import type { StoredWebhook, WebhookObjects } from '../../resources/webhook-objects.ts';
import { namespaceOfProject } from '../../status/tenant-namespace.ts';
import type { Deliveries } from '../../tenants/deliveries.ts';
import type { ToldSession } from '../../tenants/told.ts';
import { webhookStatus, type WebhookFacts } from '../../tenants/webhook-status.ts';
import { webhookTarget, type WebhookProblem, type WebhookTarget } from '../../tenants/webhook-target.ts';
import { eachOf } from '../runtime/each-of.ts';

const AT_ONCE = 8;

export type WebhooksDeps = {
  readonly objects: WebhookObjects;
  readonly deliveries: Deliveries;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
};

/** What became of the events of a session by now. */
export type WebhookAnswers = {
  /** The events that nobody waits for any more. */
  readonly done: ReadonlySet<string>;
  readonly replies: readonly ProjectReply[];
  /** When to look again. */
  readonly wakeAt?: number | undefined;
};

type Usable = { readonly webhook: StoredWebhook; readonly target: WebhookTarget };
type Unusable = { readonly webhook: StoredWebhook; readonly problem: WebhookProblem };

export class Webhooks {
  readonly #deps: WebhooksDeps;

  constructor(deps: WebhooksDeps) {
    this.#deps = deps;
  }

  /** Begins the deliveries that are due, and waits for none of them. */
  async deliver(
    session: ToldSession,
    { events }: Pick<SessionProgress, 'events'>,
    pool: HostPoolSpec,
  ): Promise<WebhookAnswers> {
    const { deliveries, clock } = this.#deps;
    const projects = new Set(events.flatMap((event) => (event.type === 'project' ? [event.project] : [])));
    if (projects.size === 0) return { done: new Set(), replies: [] };
    const found = new Map<string, readonly (Usable | Unusable)[]>();
    await eachOf([...projects], AT_ONCE, async (project) => {
      found.set(project, await this.#webhooksOf(project, pool));
    });
    const targetsOf = (project: string): WebhookTarget[] =>
      (found.get(project) ?? []).flatMap((each) => ('target' in each ? [each.target] : []));
    const { done, replies, results, wakeAt } = deliveries.deliverEvents(session, events, targetsOf, clock());
    const resultOf = new Map(results.map((result) => [result.key, result]));
    await eachOf([...found.values()].flat(), AT_ONCE, (each) =>
      this.#show(each.webhook, 'target' in each ? resultOf.get(each.target.key) : each.problem),
    );
    return { done: new Set(done), replies, wakeAt };
  }

  /** Calls `wake` when a webhook has changed. */
  changed(wake: () => void): void {
    this.#deps.objects.changed = wake;
  }

  /** The verdicts on these answers are stored. */
  taken(session: string, replies: readonly string[]): void {
    this.#deps.deliveries.taken(session, replies);
  }

  forget(session: string): void {
    this.#deps.deliveries.forget(session);
  }

  async #webhooksOf(project: string, pool: HostPoolSpec): Promise<readonly (Usable | Unusable)[]> {
    const { objects } = this.#deps;
    const namespace = namespaceOfProject(pool, project);
    if (namespace === undefined) return [];
    const webhooks = await objects.in(namespace);
    return Promise.all(
      webhooks.map(async (webhook) => {
        const found = webhookTarget(webhook, await objects.secretOf(webhook), pool.tenants);
        return 'key' in found ? { webhook, target: found } : { webhook, problem: found };
      }),
    );
  }

  async #show(webhook: StoredWebhook, facts: WebhookFacts): Promise<void> {
    const { objects, clock } = this.#deps;
    const now = new Date(clock()).toISOString();
    await objects.write(webhook, webhookStatus(webhook.status, facts, webhook.metadata.generation, now));
  }
}

/** The events that are still to be delivered: those for projects that a webhook has not taken yet. */
export function undelivered(
  events: readonly SessionEvent[],
  done: ReadonlySet<string>,
): readonly SessionEvent[] {
  return events.filter(({ type, id }) => type === 'project' && !done.has(id));
}
