/** Turns answers and errors of the network into OpenStackErrors that say what was asked and what is wrong. */
import { z } from 'zod';
import { OpenStackError, type OpenStackErrorKind } from './errors.ts';
import { parseJson } from './identity.ts';
import type { HttpAnswer, HttpRequest } from './transport.ts';

/** A request as messages name it, and whether it changes nothing when it is made again. */
export type Asked = HttpRequest & {
  /** Such as `compute: GET /servers/detail`. */
  readonly label: string;
  readonly repeatable: boolean;
};

const KINDS: Readonly<Record<number, OpenStackErrorKind>> = {
  ...{ 401: 'auth', 403: 'forbidden', 404: 'not-found', 406: 'unsupported', 408: 'timeout', 409: 'conflict' },
  429: 'too-many-requests',
};

/** @param hide takes secrets out of the texts of a server */
export function refusal(
  { label, repeatable }: Asked,
  { status, headers, text }: HttpAnswer,
  nowMs: number,
  hide: (text: string) => string,
): OpenStackError {
  const words = serviceMessageIn(text);
  const serviceMessage = words === undefined ? undefined : hide(words);
  const requestId = headers.get('x-openstack-request-id');
  const retryAfter = retryAfterSeconds(headers.get('retry-after'), nowMs);
  const said = serviceMessage === undefined ? '' : `: ${serviceMessage}`;
  const where = requestId === undefined ? '' : ` (${requestId})`;
  return new OpenStackError(kindOf(status), `${label} was answered with ${String(status)}${said}${where}`, {
    ...{ status, serviceMessage, requestId, retryAfterSeconds: retryAfter },
    // A proxy answers with a 5xx too, when the service behind it has not answered.
    mayHaveHappened: !repeatable && (status >= 500 || status === 408),
  });
}

function kindOf(status: number): OpenStackErrorKind {
  if (status < 400) return 'unexpected-answer';
  return KINDS[status] ?? (status >= 500 ? 'unavailable' : 'bad-request');
}

const inner = z.object({ message: z.string() });
const placementSchema = z.object({ errors: z.array(z.object({ detail: z.string() })).min(1) });

/** Keystone and Nova put the message into an object of one field, Placement into a list. */
function serviceMessageIn(text: string): string | undefined {
  const body = parseJson(text);
  if (typeof body !== 'object' || body === null) return undefined;
  const found = Object.values(body).flatMap((each) => inner.safeParse(each).data?.message ?? []);
  const message = found[0] ?? placementSchema.safeParse(body).data?.errors[0]?.detail;
  return message?.replaceAll(/\s+/g, ' ').trim().replace(/\.$/, '') || undefined;
}

/** The header has seconds or a date. */
function retryAfterSeconds(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - nowMs) / 1000;
  return Number.isFinite(seconds) ? Math.max(seconds, 0) : undefined;
}

export function timedOut({ label, repeatable }: Asked, limitMs: number): OpenStackError {
  const message = `${label} had no whole answer within ${String(limitMs / 1000)} s`;
  return new OpenStackError('timeout', message, { mayHaveHappened: !repeatable });
}

const NAME_MISMATCH = 'ERR_TLS_CERT_ALTNAME_INVALID';
const UNKNOWN_AUTHORITY =
  'is signed by an authority that is not known: put the CA certificate into the Secret as cacert';
/** What is wrong with a certificate, by the code of Node. */
const CERTIFICATE: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet: compare the clocks',
  CERT_REVOKED: 'is revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  [NAME_MISMATCH]: 'is for other names',
};
/** The codes of a request whose connection we have ended. */
const CLOSED = ['UND_ERR_DESTROYED', 'UND_ERR_CLOSED'];
const NOT_CONNECTED = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'];

/** The error of a request without an answer. Its cause is left out: it may hold parts of an answer, and so a token. */
export function noAnswer({ label, repeatable, url }: Asked, error: unknown): OpenStackError {
  const { code = '', syscall, message } = innermost(error);
  const { origin } = new URL(url);
  const certificate = CERTIFICATE[code];
  if (certificate !== undefined)
    return new OpenStackError(
      'certificate',
      `${label} was not sent: the certificate of ${origin} ${certificate}`,
    );
  if (CLOSED.includes(code))
    return new OpenStackError('closed', `${label} was given up: the session was closed`, {
      mayHaveHappened: !repeatable,
    });
  const wasSent = !NOT_CONNECTED.includes(code) && syscall !== 'connect';
  const reason = `${origin}: ${code === '' ? message : code}`;
  if (!wasSent) return new OpenStackError('unavailable', `${label} was not sent: no connection to ${reason}`);
  return new OpenStackError('unavailable', `${label} had no answer: the connection broke to ${reason}`, {
    mayHaveHappened: !repeatable,
  });
}

type Innermost = { readonly code?: string; readonly syscall?: string; readonly message: string };

function innermost(error: unknown): Innermost {
  if (!(error instanceof Error)) return { message: 'no error was given' };
  if (error.cause instanceof Error) return innermost(error.cause);
  const textAt = (key: string): string | undefined => {
    const value: unknown = Reflect.get(error, key);
    return typeof value === 'string' ? value : undefined;
  };
  const [code, syscall] = [textAt('code'), textAt('syscall')];
  return { ...(code && { code }), ...(syscall && { syscall }), message: error.name };
}
