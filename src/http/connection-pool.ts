/** The pools of connections to a server, directly or through a proxy. */
import type { ConnectionOptions } from 'node:tls';
import { Agent, errors, Pool, ProxyAgent, type Dispatcher } from 'undici';

const CONNECT_TIMEOUT_MS = 5_000;
/**
 * The silence after which the system probes a connection (undici: 60 s). Node asks for a probe each second then, and
 * gives up after ten: a watch whose server is gone breaks after 14 s (measured). It does not help while the peer is a
 * proxy that still acknowledges: then the idle limit of the watch counts.
 */
const KEEP_ALIVE_MS = 4_000;
/**
 * How long a connection is kept for the next request (undici: 4 s): a stage works longer than that on its hosts, and a new
 * connection takes the time of ten requests. The API server closes its own after 90 s, load balancers theirs after 30 s
 * and more.
 */
const IDLE_CONNECTION_MS = 20_000;
/** Watches may be silent; they have their own idle limit. */
const BODY_TIMEOUT_MS = 0;

/**
 * How long an answer may take to begin, in milliseconds. Without one in the first time the connection is taken for dead
 * and is closed. If it was a slow webhook instead, the same request gets the second time when it is repeated.
 */
export type Patience = { readonly first: number; readonly repeated: number };
const PATIENCE: Patience = { first: 12_000, repeated: 30_000 };

/** What a server is shown, how it is checked, and to which addresses its name leads. */
export type TlsKeys = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'rejectUnauthorized' | 'servername' | 'lookup'
>;

/** A pool of HTTP/1.1 connections. */
export function connectionPool(tls: TlsKeys, proxy: URL | undefined, patience = PATIENCE): Dispatcher {
  return newPool(tls, proxy).compose(patientWith(patience));
}

function newPool(tls: TlsKeys, proxy: URL | undefined): Dispatcher {
  const probes = { keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
  const connect = { timeout: CONNECT_TIMEOUT_MS, allowH2: false, ...probes, ...tls };
  if (!proxy) return new Agent({ allowH2: false, connect, keepAliveTimeout: IDLE_CONNECTION_MS });
  return new ProxyAgent({
    uri: proxy.href.replace(/^socks5h:/, 'socks5:'), // with both, the proxy looks the name of the server up
    allowH2: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTls: connect,
    clientFactory: (origin, options) => new Pool(origin, { ...options, headersTimeout: CONNECT_TIMEOUT_MS }),
  });
}

function patientWith({ first, repeated }: Patience): Dispatcher.DispatcherComposeInterceptor {
  /** The requests whose answer did not begin in the first time. */
  const slow = new Set<string>();
  return (dispatch) => (options, handler) => {
    // Each watch asks for another length: it is the same request all the same.
    const request = `${options.method} ${options.path.replace(/\btimeoutSeconds=\d+/, '')}`;
    const headersTimeout = slow.has(request) ? repeated : first;
    const observed: Dispatcher.DispatchHandler = {
      onRequestStart: (...args) => handler.onRequestStart?.(...args),
      onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
      onResponseStart: (...args) => {
        slow.delete(request);
        handler.onResponseStart?.(...args);
      },
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (controller, error) => {
        if (error instanceof errors.HeadersTimeoutError) slow.add(request);
        handler.onResponseError?.(controller, error);
      },
    };
    return dispatch({ ...options, bodyTimeout: BODY_TIMEOUT_MS, headersTimeout }, observed);
  };
}
