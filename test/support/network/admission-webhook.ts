/** A validating admission webhook on loopback. Its answer can be changed at any time. */
import { createServer } from 'node:https';
import type { RequestOptions } from 'node:https';
import { json } from 'node:stream/consumers';
import type { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { apply, remove, type Manifest } from '../controlplane/apply.ts';
import { listening } from './loopback.ts';

/** Allows the request, or denies it with this code and message. */
export type WebhookAnswer = 'allow' | { readonly code?: number; readonly message: string };

const reviewSchema = z.looseObject({ request: z.looseObject({ uid: z.string() }) });

export type WebhookScope = {
  readonly name: string;
  readonly namespace: string;
  /** Such as `pods/eviction`. */
  readonly resource: string;
};

export class AdmissionWebhook {
  answer: WebhookAnswer = 'allow';
  readonly #close: () => Promise<void>;

  private constructor(close: () => Promise<void>) {
    this.#close = close;
  }

  /** Registers it for the creation of one resource in one namespace. */
  static async start(admin: KubeConfig, scope: WebhookScope): Promise<AdmissionWebhook> {
    const keys: RequestOptions = {};
    // The testbed's certificates of clients serve on loopback, too.
    await admin.applyToHTTPSOptions(keys);
    const server = createServer({ cert: keys.cert, key: keys.key });
    const webhook = new AdmissionWebhook(async () => {
      await remove(admin, deadWebhook(scope));
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    server.on('request', (incoming, outgoing) => {
      void json(incoming).then((body) => {
        const { uid } = reviewSchema.parse(body).request;
        const response = { uid, ...responseOf(webhook.answer) };
        outgoing.setHeader('Content-Type', 'application/json');
        outgoing.end(
          JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }),
        );
      });
    });
    const port = await listening(server);
    const { caData } = admin.getCurrentCluster() ?? {};
    await apply(admin, configuration(scope, `https://127.0.0.1:${String(port)}/`, caData));
    return webhook;
  }

  /** Takes it away with its configuration. */
  async stop(): Promise<void> {
    await this.#close();
  }
}

function responseOf(answer: WebhookAnswer): object {
  return answer === 'allow' ? { allowed: true } : { allowed: false, status: answer };
}

/** The configuration of a webhook where nothing listens. */
export function deadWebhook(scope: WebhookScope): Manifest {
  return configuration(scope, 'https://127.0.0.1:1/', undefined);
}

function configuration(
  { name, namespace, resource }: WebhookScope,
  url: string,
  caBundle: string | undefined,
): Manifest {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name,
        clientConfig: { url, ...(caBundle === undefined ? {} : { caBundle }) },
        rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['CREATE'], resources: [resource] }],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        failurePolicy: 'Fail',
        timeoutSeconds: 2,
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  };
}
