/** The list at the start of a watch that sends all objects first. */
import type { KubernetesObject } from '@kubernetes/client-node';
import { rawPages, type Client, type Page } from './client.ts';
import { isRefusedStream } from './retries.ts';
import { endsList, watchEvents, type Watch, type WatchEvent } from './watch-events.ts';

const IDLE_LIMIT_MS = 30_000;

/** A part of a list. `gone` were in an earlier part. The resource version of the list may be known at its end only. */
export type Listed<T> = Page<T> & { readonly gone?: readonly T[] };

/** Reads the list, object by object. The watch stays open: the caller reads the changes that follow. */
export async function* listIn<T extends KubernetesObject>(
  events: AsyncGenerator<WatchEvent<T>, void, undefined>,
  path: string,
): AsyncGenerator<Listed<T>, void, undefined> {
  for (;;) {
    const next = await events.next();
    if (next.done) throw new Error(`the streamed list of ${path} ended in its middle`);
    const { type, object } = next.value;
    if (endsList(next.value)) {
      yield { items: [], resourceVersion: object.metadata?.resourceVersion ?? '' };
      return;
    }
    if (type === 'DELETED') yield { items: [], gone: [object], resourceVersion: '' };
    else if (type !== 'BOOKMARK') yield { items: [object], resourceVersion: '' };
  }
}

/**
 * A part of every object of a kind. Each is projected as it arrives, from a stream or, where that does not come about,
 * from pages: the whole objects are never in memory together.
 */
export async function projections<R>(
  config: Client,
  path: string,
  project: (object: KubernetesObject) => R,
  signal: AbortSignal,
): Promise<R[]> {
  if (!config.listsInPages) {
    const events = watchEvents(config, firstEvents(path), signal);
    try {
      return await collected(listIn(events, path), project);
    } catch (error) {
      signal.throwIfAborted();
      if (isRefusedStream(error)) config.listsInPages = true;
    } finally {
      await events.return();
    }
  }
  return collected(rawPages(config, path, {}, signal), project);
}

function firstEvents(path: string): Watch {
  const ofAll = { path, selection: {}, as: 'object', resourceVersion: undefined } as const;
  return { ...ofAll, idleLimitMs: IDLE_LIMIT_MS, opened: () => undefined };
}

async function collected<R>(
  source: AsyncIterable<Listed<KubernetesObject>>,
  project: (object: KubernetesObject) => R,
): Promise<R[]> {
  const found = new Map<string, R>();
  for await (const { items, gone = [] } of source) {
    for (const object of items) found.set(uidOf(object), project(object));
    for (const object of gone) found.delete(uidOf(object));
  }
  return [...found.values()];
}

function uidOf({ metadata }: KubernetesObject): string {
  return metadata?.uid ?? '';
}
