/** A webhook as it can be called, or why it cannot. Pure, but for the bytes of its key. */
import {
  CA_KEY,
  HMAC_KEY,
  type MaintenanceWebhookSpec,
  type WebhookReason,
} from '../crds/maintenance-webhook.ts';
import { addressRefusal, type WebhookBounds } from './reachable.ts';
import { LEAST_SECRET_BYTES } from './signature.ts';

/** Where and how the events for a project are sent. */
export type WebhookTarget = {
  /** Another one after each change of the webhook. */
  readonly key: string;
  readonly url: string;
  readonly format: MaintenanceWebhookSpec['format'];
  readonly timeoutSeconds: number;
  /** Signs the notifications; a function, so that no log and no error shows the key. */
  readonly secret: (() => Uint8Array) | undefined;
  readonly ca: string | undefined;
  readonly bounds: WebhookBounds;
};

/** Why a webhook is not called. */
export type WebhookProblem = {
  readonly reason: Extract<WebhookReason, 'NotAllowed' | 'SecretUnusable'>;
  readonly message: string;
};

export type FoundWebhook = {
  readonly metadata: { readonly uid: string; readonly generation?: number | undefined };
  readonly spec: MaintenanceWebhookSpec;
};

/**
 * @param data of the Secret that `spec.secretRef` names, in base64 as the API server sends it; undefined when it has none,
 *   or when it cannot be read
 */
export function webhookTarget(
  { metadata: { uid, generation = 0 }, spec }: FoundWebhook,
  data: Readonly<Record<string, string>> | undefined,
  bounds: WebhookBounds,
): WebhookTarget | WebhookProblem {
  const url = URL.parse(spec.url);
  const refusal = url
    ? addressRefusal(url, bounds)
    : `${spec.url} is no address: write one such as https://example.com/`;
  if (refusal !== undefined) return { reason: 'NotAllowed', message: refusal };
  const { secretRef, format, timeoutSeconds } = spec;
  const problem = secretRef ? secretProblem(secretRef.name, format, data) : undefined;
  if (problem !== undefined) return { reason: 'SecretUnusable', message: problem };
  const secret = data?.[HMAC_KEY];
  return {
    ...{ key: `${uid}/${String(generation)}`, url: spec.url, format, timeoutSeconds, bounds },
    secret: secret === undefined ? undefined : () => Buffer.from(secret, 'base64'),
    ca: data?.[CA_KEY] === undefined ? undefined : Buffer.from(data[CA_KEY], 'base64').toString(),
  };
}

function secretProblem(
  name: string,
  format: MaintenanceWebhookSpec['format'],
  data: Readonly<Record<string, string>> | undefined,
): string | undefined {
  if (!data)
    return (
      `Secret ${name} is missing, or Careen may not read it: create it in this namespace, and bind the ClusterRole ` +
      `careen-tenant, or a Role for this Secret, to the service account of Careen`
    );
  const secret = data[HMAC_KEY];
  if (secret === undefined)
    return format === 'CloudEvents' ? `Secret ${name} has no key "${HMAC_KEY}": add it` : undefined;
  return Buffer.from(secret, 'base64').length < LEAST_SECRET_BYTES
    ? `the key "${HMAC_KEY}" of Secret ${name} is too short: use ${String(LEAST_SECRET_BYTES)} random bytes or more`
    : undefined;
}
