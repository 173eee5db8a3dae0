/** One watch request as a stream of events, with an idle limit that detects half-open connections. */
import type { KubeConfig, KubernetesObject } from '@kubernetes/client-node';
import { linesOf } from './lines.ts';
import { send, type Detail, type Selection } from './client.ts';

export type WatchEvent<T> = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
};
type ErrorEvent = {
  readonly type: 'ERROR';
  readonly object: { readonly code?: number; readonly message?: string };
};

/** An ERROR event: the watch cannot resume at its revision. `statusCode` is the server's, if it sent one. */
export class WatchError extends Error {
  override readonly name = 'WatchError';
  readonly statusCode: number | undefined;

  constructor(message: string, statusCode?: number) {
    super(message);
    this.statusCode = statusCode;
  }
}

/**
 * An open watch delivered nothing during the idle limit. Either its connection
 * is broken or nothing happened: for a kind without changes the server sends its
 * first bookmark only after two minutes (Kubernetes 1.36).
 */
export class SilentWatch extends Error {
  override readonly name = 'SilentWatch';
}

export type Watch = {
  readonly path: string;
  readonly selection: Selection;
  readonly as: Detail;
  /**
   * The resource version to start from. Undefined: all objects come first, as of now or later, and then a bookmark that
   * `endsList` knows. Servers since Kubernetes 1.34 can do this; earlier ones refuse it.
   */
  readonly resourceVersion: string | undefined;
  readonly idleLimitMs: number;
  /** Called when the server has accepted the watch. */
  readonly opened: () => void;
};

const LIST_FIRST = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' };

/** Whether this is the bookmark between the objects of a list and their changes. */
export function endsList({ type, object }: WatchEvent<KubernetesObject>): boolean {
  return type === 'BOOKMARK' && object.metadata?.annotations?.['k8s.io/initial-events-end'] === 'true';
}

/**
 * Yields events until the server ends the watch. Throws SilentWatch, WatchError
 * for an ERROR event, and the error of a refused or broken request.
 */
export async function* watchEvents<T extends KubernetesObject>(
  config: KubeConfig,
  { path, selection, as, resourceVersion, idleLimitMs, opened }: Watch,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const silence = new AbortController();
  let silent: () => Error = () => new Error(`the watch of ${path} was not answered`);
  const timer = setTimeout(() => silence.abort(silent()), idleLimitMs);
  const query = {
    ...selection,
    watch: true,
    allowWatchBookmarks: true,
    timeoutSeconds: 240 + Math.floor(Math.random() * 120),
    ...(resourceVersion === undefined ? LIST_FIRST : { resourceVersion }),
  };
  try {
    const either = AbortSignal.any([signal, silence.signal]);
    const response = await send(config, { method: 'GET', path, query, as, withoutManagers: true }, either);
    silent = () => new SilentWatch(`the watch of ${path} fell silent`);
    timer.refresh();
    opened();
    if (!response.body) return;
    for await (const line of linesOf(response.body)) {
      timer.refresh();
      const event = JSON.parse(line) as WatchEvent<T> | ErrorEvent;
      if (event.type === 'ERROR')
        throw new WatchError(event.object.message ?? 'the watch failed', event.object.code);
      yield event;
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}
