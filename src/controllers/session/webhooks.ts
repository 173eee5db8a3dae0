/** Delivers what a session tells its projects to their webhooks, and shows on each webhook what became of it. */
import type { HostPoolSpec } from '../../crds/host-pool.ts';
import type { ReplyVerdict, SessionEvent, SessionProgress } from '../../engine/session/session-state.ts';
import type { StoredWebhook, WebhookObjects } from '../../resources/webhook-objects.ts';
import { namespaceOfProject } from '../../status/notices/tenant-namespace.ts';
import type { Deliveries, TargetResult, WebhookReply } from '../../tenants/deliveries.ts';
import type { ToldSession } from '../../tenants/told.ts';
import { webhookStatus, type RefusedAnswer, type WebhookFacts } from '../../tenants/webhook-status.ts';
import { webhookTarget, type WebhookProblem, type WebhookTarget } from '../../tenants/webhook-target.ts';
import { eachOf } from '../../kube/each-of.ts';

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
  readonly replies: readonly WebhookReply[];
  /** When to look again. */
  readonly wakeAt?: number | undefined;
};

type Usable = { readonly webhook: StoredWebhook; readonly target: WebhookTarget };
type Unusable = { readonly webhook: StoredWebhook; readonly problem: WebhookProblem };

/** An answer that was refused, until the status of its webhook shows it. */
type Refused = RefusedAnswer & { readonly session: string; readonly project: string };

export class Webhooks {
  readonly #deps: WebhooksDeps;
  /** By the key of the target. */
  readonly #refused = new Map<string, Refused>();

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
    const refused = [...this.#refused.values()].filter((each) => each.session === session.uid);
    const projects = new Set([
      ...events.flatMap((event) => (event.type === 'project' ? [event.project] : [])),
      ...refused.map(({ project }) => project),
    ]);
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
      this.#show(each.webhook, 'target' in each ? this.#factsOf(each.target, resultOf) : each.problem),
    );
    this.#forgetRefused(({ session: of }, key) => of === session.uid && !resultOf.has(key));
    return { done: new Set(done), replies, wakeAt };
  }

  /** Calls `wake` when a webhook has changed. */
  changed(wake: () => void): void {
    this.#deps.objects.changed = wake;
  }

  /**
   * These verdicts are stored. Who has answered in a response hears no more by that way, so the status of the webhook says
   * why its answer was refused, once events are delivered again. Returns whether there is such an answer.
   */
  taken(session: string, verdicts: readonly ReplyVerdict[]): boolean {
    const { deliveries, clock } = this.#deps;
    const byId = new Map(verdicts.map((verdict) => [verdict.id, verdict]));
    const refused = deliveries
      .taken(session, [...byId.keys()])
      .filter(({ id }) => byId.get(id)?.answer === 'refused');
    for (const { id, target, project } of refused)
      this.#refused.set(target, { session, project, at: clock(), refusal: byId.get(id)?.message ?? '' });
    return refused.length > 0;
  }

  forget(session: string): void {
    this.#deps.deliveries.forget(session);
    this.#forgetRefused((each) => each.session === session);
  }

  /** The result of the last delivery, unless the answer to it was refused since. */
  #factsOf({ key }: WebhookTarget, results: ReadonlyMap<string, TargetResult>): WebhookFacts {
    const result = results.get(key);
    const refused = this.#refused.get(key);
    return refused && refused.at >= (result?.at ?? 0) ? refused : result;
  }

  #forgetRefused(matches: (refused: Refused, key: string) => boolean): void {
    for (const [key, refused] of this.#refused) if (matches(refused, key)) this.#refused.delete(key);
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
