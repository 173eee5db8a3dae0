/** What the status of a webhook says. Pure. */
import type { MaintenanceWebhookStatus, WebhookReason } from '../crds/maintenance-webhook.ts';
import { updateConditions } from '../crds/observed/conditions.ts';
import type { TargetResult } from './deliveries.ts';
import type { WebhookProblem } from './webhook-target.ts';

/** The answer of a webhook was refused. `refusal` says what would be right. */
export type RefusedAnswer = { readonly at: number; readonly refusal: string };

/** What is known of a webhook: why it cannot be called, or its last result; undefined before the first attempt. */
export type WebhookFacts = WebhookProblem | RefusedAnswer | Pick<TargetResult, 'at' | 'delivery'> | undefined;

/**
 * The next status.
 * @param now RFC 3339
 */
export function webhookStatus(
  before: MaintenanceWebhookStatus,
  facts: WebhookFacts,
  generation: number,
  now: string,
): MaintenanceWebhookStatus {
  const old = before.conditions?.[0];
  // A new process knows no results: the last one stays, as long as the webhook is the same.
  const wasUnusable = old?.reason === 'SecretUnusable' || old?.reason === 'NotAllowed';
  if (!facts && old?.observedGeneration === generation && !wasUnusable) return before;
  const isDelivered = facts && 'delivery' in facts && facts.delivery.kind === 'delivered';
  const lastDeliveryTime = isDelivered ? new Date(facts.at).toISOString() : before.lastDeliveryTime;
  return {
    observedGeneration: generation,
    ...(lastDeliveryTime === undefined ? {} : { lastDeliveryTime }),
    conditions: updateConditions(
      before.conditions ?? [],
      [{ type: 'Ready', ...readiness(facts) }],
      generation,
      now,
    ),
  };
}

type Readiness = {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: WebhookReason;
  readonly message: string;
};

function readiness(facts: WebhookFacts): Readiness {
  if (!facts) {
    return { status: 'True', reason: 'NothingSent', message: 'nothing was to be sent yet' };
  }
  if ('refusal' in facts) return { status: 'False', reason: 'AnswerRefused', message: facts.refusal };
  if (!('delivery' in facts)) return { status: 'False', ...facts };
  const { delivery } = facts;
  if (delivery.kind !== 'delivered')
    return { status: 'False', reason: 'NotDelivered', message: delivery.reason };
  if (delivery.problem !== undefined)
    return { status: 'False', reason: 'AnswerUnreadable', message: delivery.problem };
  return { status: 'True', reason: 'Delivered', message: 'the last notification was delivered' };
}
