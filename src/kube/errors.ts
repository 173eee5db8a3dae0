/**
 * What the errors of the API server and of the network mean, in one place: no
 * other file looks into an error to learn what happened.
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
        .array(z.looseObject({ reason: z.string().optional(), message: z.string().optional() }))
        .optional()
        .catch(undefined),
    })
    .optional()
    .catch(undefined),
});

/** Another process wrote in between: the decision rests on stale knowledge and has to be made again. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
}

/** What the API server says about a request that it refused. */
export type ApiStatus = z.infer<typeof statusSchema>;

/** The HTTP status of a refused request or of a watch's error; undefined when the network or we failed. */
export function httpStatus(error: unknown): number | undefined {
  const code = numberAt(error, 'statusCode') ?? numberAt(error, 'code');
  // An aborted request has a code as well, a small number of the DOM's.
  return code !== undefined && code >= 100 ? code : undefined;
}

/** The Status object in the answer, as far as there is one. */
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

/** How long the server asks us to wait. */
export function retryAfterSeconds(error: unknown): number | undefined {
  if (!(error instanceof ApiException)) return undefined;
  const header = Object.entries(error.headers).find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
  const seconds = header ? Number(header) : apiStatus(error).details?.retryAfterSeconds;
  return seconds !== undefined && Number.isFinite(seconds) ? seconds : undefined;
}

/** One sentence about an error: what the server said, or what the network did. */
export function explain(error: unknown): string {
  const said = apiStatus(error).message;
  if (said) return said;
  if (error instanceof ApiException) return `the API server answered ${String(error.code)}`;
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? wordsOf(error.cause) : undefined;
  return cause ? `${error.message}: ${cause}` : error.message;
}

/** A connection that was tried at several addresses fails without a message, but with a code. */
function wordsOf(error: Error): string {
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
