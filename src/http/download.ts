/** Downloads a file: over https, from allowed hosts, with a bound on time and size, and only with the expected content. */
import { createHash } from 'node:crypto';
import { connectionPool, type TlsKeys } from './connection-pool.ts';
import { exchange, type Answer } from './exchange.ts';
import { causesOf, networkCode } from './network-reason.ts';
import { addressRefusal, boundedLookup, RefusedAddress } from './reachable.ts';

export type DownloadRequest = {
  readonly url: string;
  readonly sha256: string;
  readonly maxBytes: number;
  /** Why an address may not be used, redirects included; undefined when it may. */
  readonly refusal: (url: URL) => string | undefined;
  /** The loopback and link-local addresses that are allowed. */
  readonly listed: readonly string[];
  readonly timeoutMs: number;
};

/** The content; or why there is none, without words of the server. `isFinal`: another attempt would fail, too. */
export type Downloaded =
  | { readonly kind: 'fetched'; readonly content: Buffer }
  | { readonly kind: 'failed'; readonly reason: string; readonly isFinal: boolean };

class DownloadError extends Error {
  override readonly name = 'DownloadError';
  readonly isFinal: boolean;

  constructor(message: string, options: ErrorOptions & { readonly isFinal: boolean }) {
    super(message, options);
    this.isFinal = options.isFinal;
  }
}

const MOST_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Refusals that end by themselves. */
const TEMPORARY: ReadonlySet<number> = new Set([408, 425, 429]);

/** Throws only the reason of the signal. */
export async function download(
  request: DownloadRequest,
  signal: AbortSignal,
  tls: TlsKeys = {},
): Promise<Downloaded> {
  const { timeoutMs } = request;
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(later(`it was not complete after ${String(timeoutMs / 1000)} s`)),
    timeoutMs,
  );
  const patience = { first: timeoutMs, repeated: timeoutMs };
  const pool = connectionPool({ ...tls, lookup: boundedLookup(request.listed) }, undefined, patience);
  try {
    const ending = AbortSignal.any([signal, late.signal]);
    const answer = await follow(request, async (url) =>
      exchange(pool, { ...REQUEST, origin: url.origin, path: `${url.pathname}${url.search}` }, ending),
    );
    return { kind: 'fetched', content: await checked(answer, request) };
  } catch (error) {
    signal.throwIfAborted();
    const { message: reason, isFinal } = asDownloadError(error);
    return { kind: 'failed', reason, isFinal };
  } finally {
    clearTimeout(timer);
    await pool.destroy();
  }
}

const REQUEST = {
  method: 'GET',
  headers: { 'accept-encoding': 'identity', 'user-agent': 'careen' },
} as const;

/** The answer that is no redirect. Each address on the way is judged before it is called. */
async function follow(
  { url: first, refusal, listed }: DownloadRequest,
  get: (url: URL) => Promise<Answer>,
): Promise<Answer> {
  let url = new URL(first);
  for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const refused = refusal(url) ?? addressRefusal(host, listed);
    if (refused !== undefined) throw final(hops > 0 ? `it is redirected: ${refused}` : refused);
    const answer = await get(url);
    if (!REDIRECTS.has(answer.status)) return answer;
    await answer.body?.cancel();
    const { location = '' } = Object.fromEntries(answer.headers);
    if (!URL.canParse(location, url.href)) throw final(`${host} redirects it to no address`);
    url = new URL(location, url);
  }
  throw final(`it is redirected more than ${String(MOST_REDIRECTS)} times`);
}

async function checked(answer: Answer, { sha256, maxBytes }: DownloadRequest): Promise<Buffer> {
  const { status, ok } = answer;
  if (!ok) {
    const isFinal = status < 500 && !TEMPORARY.has(status);
    throw new DownloadError(`the server answers with status ${String(status)}`, { isFinal });
  }
  const { 'content-length': announced } = Object.fromEntries(answer.headers);
  const tooLong = final(`it has more than the ${String(maxBytes)} bytes that it may have`);
  if (announced !== undefined && Number(announced) > maxBytes) throw tooLong;
  const hash = createHash('sha256');
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of answer.body ?? []) {
    bytes += part.length;
    if (bytes > maxBytes) throw tooLong;
    hash.update(part);
    parts.push(part);
  }
  const found = hash.digest('hex');
  if (found !== sha256)
    throw final(
      `its SHA-256 is ${found}, and must be ${sha256}: the file has changed, or the checksum is wrong`,
    );
  return Buffer.concat(parts, bytes);
}

function final(message: string): DownloadError {
  return new DownloadError(message, { isFinal: true });
}

function later(message: string): DownloadError {
  return new DownloadError(message, { isFinal: false });
}

function asDownloadError(error: unknown): DownloadError {
  const causes = causesOf(error);
  const own = causes.find((cause) => cause instanceof DownloadError);
  if (own) return own;
  const refused = causes.find((cause) => cause instanceof RefusedAddress);
  if (refused) return new DownloadError(refused.message, { isFinal: true, cause: error });
  return new DownloadError(`no answer: ${networkCode(causes)}`, { isFinal: false, cause: error });
}
