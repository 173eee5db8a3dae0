/** One watch request as a stream of events, with an idle limit that notices half-open connections. */
import type { KubeConfig, KubernetesObject } from '@kubernetes/client-node';
import { send, type Selection } from './kube-client.ts';

/** The server sends a bookmark about every minute, so this silence means that the connection is gone. */
const IDLE_LIMIT_MS = 90_000;

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: T }
  | { readonly type: 'ERROR'; readonly object: { readonly code?: number; readonly message?: string } };

/** An ERROR event, or a stream that fell silent. `statusCode` is the server's, where it gave one. */
export class WatchError extends Error {
  override readonly name = 'WatchError';
  readonly statusCode: number | undefined;

  constructor(message: string, statusCode?: number) {
    super(message);
    this.statusCode = statusCode;
  }
}

/**
 * Watches from a resource version on. Ends when the server ends it; throws when
 * the connection breaks, falls silent, or brings an ERROR event. `opened` is
 * called when the server has accepted the watch.
 */
export async function* watchEvents<T extends KubernetesObject>(
  config: KubeConfig,
  path: string,
  selection: Selection,
  resourceVersion: string,
  opened: () => void,
  signal: AbortSignal,
): AsyncGenerator<Exclude<WatchEvent<T>, { type: 'ERROR' }>, void, undefined> {
  const silence = new AbortController();
  const timer = setTimeout(
    () => silence.abort(new WatchError(`the watch of ${path} fell silent`)),
    IDLE_LIMIT_MS,
  );
  const query = {
    ...selection,
    watch: true,
    allowWatchBookmarks: true,
    timeoutSeconds: 240 + Math.floor(Math.random() * 120),
    resourceVersion,
  };
  try {
    const either = AbortSignal.any([signal, silence.signal]);
    const response = await send(config, { method: 'GET', path, query }, either);
    opened();
    if (!response.body) return;
    for await (const line of linesOf(response.body)) {
      timer.refresh();
      const event = JSON.parse(line) as WatchEvent<T>;
      if (event.type === 'ERROR')
        throw new WatchError(event.object.message ?? 'the watch failed', event.object.code);
      yield event;
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

/** Not readline: that throws the error of a stream at the whole process when nobody reads its lines any more. */
async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
}
