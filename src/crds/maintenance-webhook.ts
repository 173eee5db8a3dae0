import { z } from 'zod';
import type { CrdDefinition } from './schema/custom-resource-definition.ts';
import { MAINTENANCE_WEBHOOK } from './names.ts';
import { condition, conditionsOfForm } from './observed/conditions.ts';
import { objectName, observedGeneration, rules, seconds, text, time } from './schema/schema.ts';

/** CloudEvents: signed JSON of CloudEvents 1.0. EventAlarm: the form in which managers of Fenix get event alarms. */
export const WEBHOOK_FORMATS = ['CloudEvents', 'EventAlarm'] as const;
export type WebhookFormat = (typeof WEBHOOK_FORMATS)[number];

/** The keys of the Secret that `secretRef` names. */
export const HMAC_KEY = 'secret';
export const CA_KEY = 'ca.crt';

const URL_FORM = '^https?://([A-Za-z0-9.-]+|[[][0-9a-fA-F:.]+[]])(:[0-9]{1,5})?(/[^#[:space:]]*)?$';

export const maintenanceWebhookSpec = z
  .object({
    url: text(1024)
      .meta(
        rules({
          rule: `self.matches('${URL_FORM}')`,
          message:
            'must be an address such as https://hooks.example.com/maintenance, without user, password and fragment: the ' +
            'receiver knows Careen by the signature',
        }),
      )
      .describe(
        'Where notifications are sent by POST. The pool of the session must allow the host (spec.tenants.webhookHosts), ' +
          'and http in place of https (allowHttp). Redirects are not followed.',
      ),
    format: z
      .enum(WEBHOOK_FORMATS)
      .default('CloudEvents')
      .describe(
        'CloudEvents: JSON of CloudEvents 1.0 with a signature; the answer may contain the reply. EventAlarm: the event ' +
          'alarms of OpenStack, as managers for Fenix receive them; they reply by PUT to reply_url.',
      ),
    secretRef: z
      .object({ name: objectName().describe('The name of the Secret.') })
      .optional()
      .describe(
        `The Secret in this namespace with the key "${HMAC_KEY}", by which notifications are signed (16 bytes at least), ` +
          `and with the key "${CA_KEY}" where the certificate of the receiver is of a CA of its own (PEM).`,
      ),
    timeoutSeconds: seconds(1, 30)
      .default(10)
      .describe('How long the receiver may take to answer. It is asked again after that.'),
  })
  .meta(
    rules({
      rule: "self.format != 'CloudEvents' || has(self.secretRef)",
      message: `secretRef is needed with format CloudEvents: name a Secret of this namespace that has the key "${HMAC_KEY}"`,
    }),
  )
  .describe('Where, and in which form, the owner of this namespace is told of maintenance.');
export type MaintenanceWebhookSpec = z.infer<typeof maintenanceWebhookSpec>;

/** The closed set of reasons. */
const WEBHOOK_REASONS = [
  'NothingSent',
  'Delivered',
  'AnswerUnreadable',
  'AnswerRefused',
  'NotDelivered',
  'NotAllowed',
  'SecretUnusable',
] as const;
export type WebhookReason = (typeof WEBHOOK_REASONS)[number];

const webhookCondition = condition
  .extend({
    type: z.enum(['Ready']).describe('The type of the condition.'),
    reason: z.enum(WEBHOOK_REASONS).describe('The reason, as one word of a closed set.'),
  })
  .describe('One condition.');

export const maintenanceWebhookStatus = z
  .object({
    observedGeneration: observedGeneration(),
    lastDeliveryTime: time()
      .optional()
      .describe('When the receiver last accepted a notification. Absent before the first one.'),
    conditions: conditionsOfForm(webhookCondition)
      .optional()
      .describe('Ready: the result of the last delivery, and what became of the answer in its response.'),
  })
  .describe('The state of the webhook. Careen writes it.');
export type MaintenanceWebhookStatus = z.infer<typeof maintenanceWebhookStatus>;

export const maintenanceWebhookDefinition: CrdDefinition = {
  kind: MAINTENANCE_WEBHOOK,
  plural: 'maintenancewebhooks',
  singular: 'maintenancewebhook',
  shortNames: ['mwh'],
  categories: [],
  scope: 'Namespaced',
  description:
    'A MaintenanceWebhook is called when a maintenance session tells or asks the owner of its namespace, or of the ' +
    'Keystone project that a pool maps to its namespace (spec.tenants.namespaces). The owner of the namespace writes it.',
  spec: maintenanceWebhookSpec,
  status: maintenanceWebhookStatus,
  columns: [
    { name: 'Format', type: 'string', jsonPath: '.spec.format', description: 'The form of notifications' },
    {
      name: 'URL',
      type: 'string',
      jsonPath: '.spec.url',
      description: 'Where notifications are sent',
      priority: 1,
    },
    {
      name: 'Ready',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].status',
      description: 'Whether the last notification was delivered',
    },
    {
      name: 'Reason',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
      description: 'The result of the last delivery',
    },
    {
      name: 'Delivered',
      type: 'date',
      jsonPath: '.status.lastDeliveryTime',
      description: 'When the receiver last accepted a notification',
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Age of the webhook' },
  ],
};
