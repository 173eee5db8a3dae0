/** The watches of an API server in memory. */
import type { Answer, Call } from '../../../src/kube/client.ts';
import { initialEvents, selection, targetOf } from '../../simulation/world/api-requests.ts';
import type { ApiServer, Change } from '../../simulation/world/api-server.ts';

type Counted = { readonly queued?: () => void; readonly delivered?: () => void };

/** The body of the answer to a watch: the list if it comes first, the changes since its resource version, and each as it happens. */
export function watchBody(
  server: ApiServer,
  request: Call,
  signal: AbortSignal | undefined,
  { queued, delivered }: Counted = {},
): NonNullable<Answer['body']> {
  const { path, query = {} } = request;
  const { resource, namespace } = targetOf(path);
  const selects = selection(namespace, query);
  const listsFirst = query['sendInitialEvents'] === true;
  const lines = (listsFirst ? initialEvents(server, request) : []).map((line) => `${line}\n`);
  for (let i = 0; i < lines.length; i++) queued?.();
  let wake = Promise.withResolvers<undefined>();
  const listener = ({ resource: of, type, object, before }: Change): void => {
    const event =
      of === resource ? seen(type, selects(object), before !== undefined && selects(before)) : undefined;
    if (!event) return;
    queued?.();
    lines.push(`${JSON.stringify({ type: event, object })}\n`);
    wake.resolve(undefined);
  };
  server.since(resource, Number(query['resourceVersion'] ?? server.revision)).forEach(listener);
  server.listen(listener);
  signal?.addEventListener('abort', () => wake.resolve(undefined));
  const deliver = async function* (): AsyncGenerator<Uint8Array> {
    while (signal?.aborted !== true) {
      for (const line of lines.splice(0)) {
        yield new TextEncoder().encode(line);
        delivered?.();
      }
      wake = Promise.withResolvers<undefined>();
      if (lines.length === 0) await wake.promise;
    }
  };
  return Object.assign(deliver(), { cancel: async () => undefined });
}

/** The event of a watch with a selector: an object that it no longer selects counts as deleted. */
function seen(type: Change['type'], selected: boolean, before: boolean): Change['type'] | undefined {
  if (selected) return type === 'MODIFIED' && !before ? 'ADDED' : type;
  return before ? 'DELETED' : undefined;
}
