/**
 * Interprets the errors of the API server and of the network, in one place: no
 * other file inspects an error to find out what happened.
 */
import { ApiException } from '@kubernetes/client-node';
import { z } from 'zod';

const statusSchema = z.looseObject({
  reason: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  details: z
    .looseObject({
      retryAfterSeconds: z.number().optional().catch(undefined),
      causes: z
        .array(
          z.looseObject({
            reason: z.string().optional(),
            message: z.string().optional(),
            field: z.string().optional(),
          }),
        )
        .optional()
        .catch(undefined),
    })
    .optional()
    .catch(undefined),
});

/** Another process wrote in between: the decision is stale and must be made again. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
}

/** The API server's report about a request that it refused. */
export type ApiStatus = z.infer<typeof statusSchema>;

/** The HTTP status of a refused request or of a watch's error; undefined for errors of the network or of Careen. */
export function httpStatus(error: unknown): number | undefined {
  const code = numberAt(error, 'statusCode') ?? numberAt(error, 'code');
  // An aborted request has a code too: a small number from the DOM.
  return code !== undefined && code >= 100 ? code : undefined;
}

/** The Status object in the answer; empty when there is none. */
export function apiStatus(error: unknown): ApiStatus {
  if (!(error instanceof ApiException)) return {};
  const body: unknown = error.body;
  const parsed = statusSchema.safeParse(typeof body === 'string' ? parseJson(body) : body);
  return parsed.success ? parsed.data : {};
}

/** The cause with this reason, such as `DisruptionBudget`. */
export function causeOf(error: unknown, reason: string): { readonly message: string } | undefined {
  const cause = apiStatus(error).details?.causes?.find((each) => each.reason === reason);
  return cause && { message: cause.message ?? '' };
}

/**
 * The fields of a custom resource that the schema of its kind does not have, or whose values it does not accept; empty
 * when a write was refused for another reason. The server reports unknown fields only with strict validation.
 */
export function fieldsOutsideSchema(error: unknown): readonly string[] {
  if (httpStatus(error) !== 422) return [];
  return (apiStatus(error).details?.causes ?? []).flatMap(({ field = '', message = '' }) => {
    if (field === 'patch') return unknownFields(message);
    return /^(spec|status)\b/.test(field)
      ? [`${field} (${message.replace(/: supported values.*/s, '')})`]
      : [];
  });
}

const STRICT = 'strict decoding error: ';

/** The message quotes the whole object first. */
function unknownFields(message: string): readonly string[] {
  const at = message.lastIndexOf(STRICT);
  if (at < 0) return [];
  return [...message.slice(at).matchAll(/unknown field "([^"]+)"/g)].map(([, field = '']) => field);
}

/** How long the server asks us to wait; undefined when it does not say. */
export function retryAfterSeconds(error: unknown): number | undefined {
  if (!(error instanceof ApiException)) return undefined;
  const header = Object.entries(error.headers).find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
  const seconds = header ? Number(header) : apiStatus(error).details?.retryAfterSeconds;
  return seconds !== undefined && Number.isFinite(seconds) ? seconds : undefined;
}

/** One sentence about an error: the message of the server, or the error of the network. */
export function explain(error: unknown): string {
  const { message } = apiStatus(error);
  if (message) return message;
  if (error instanceof ApiException) return `the API server answered ${String(error.code)}`;
  if (!(error instanceof Error)) return String(error);
  return [error.message, ...causesOf(error)].filter((each) => each !== '').join(': ');
}

/** The first check that failed, in the answer of `/readyz?verbose`; undefined for other errors. */
export function failingCheck(error: unknown): string | undefined {
  const body: unknown = error instanceof ApiException ? error.body : undefined;
  return typeof body === 'string' ? /^\[-\].*$/m.exec(body)?.[0] : undefined;
}

/** The words of the causes, the innermost last. A DOMException only says that the request has ended. */
function causesOf({ cause }: Error): string[] {
  if (!(cause instanceof Error)) return [];
  return [...(cause instanceof DOMException ? [] : [wordsOf(cause)]), ...causesOf(cause)];
}

/**
 * A connection attempt to several addresses fails with a code, but without a message. The message of OpenSSL has numbers
 * of its own in each attempt; its reason has not.
 */
function wordsOf(error: Error): string {
  if ('library' in error && 'reason' in error) return String(error.reason);
  return error.message || ('code' in error ? String(error.code) : '');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function numberAt(value: unknown, key: string): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found: unknown = Reflect.get(value, key);
  return typeof found === 'number' ? found : undefined;
}
