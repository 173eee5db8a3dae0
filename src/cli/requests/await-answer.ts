/** Waits for the answer to a request. */
import type { KubernetesObject } from '@kubernetes/client-node';
import type { AnsweredRequest } from '../../crds/observed/answered-request.ts';
import { SupervisedInformer } from '../../kube/informer.ts';
import { keyOf } from '../../kube/kept-objects.ts';
import { requestKey } from '../../status/requests/requests.ts';
import type { Connection } from '../cluster/connection.ts';
import { collection, wordsOf, type Located } from '../cluster/strategies.ts';
import { CommandError } from '../command-error.ts';
import type { Placement } from './request.ts';

/** Nothing is said about a watch that breaks: it is opened again, and the time-out says what is known. */
const silent = { info: () => undefined, warn: () => undefined };

export type Waited =
  | { readonly kind: 'answered'; readonly answer: AnsweredRequest }
  /** Another request took its place before it was answered. */
  | { readonly kind: 'replaced' }
  | { readonly kind: 'silent'; readonly watchFailure: string | undefined };

/** Resolves with the answer to a request, or without one after `timeoutMs`. Throws CommandError when the strategy is gone. */
export async function awaitAnswer(
  { config }: Connection,
  located: Located,
  placement: Placement,
  timeoutMs: number,
): Promise<Waited> {
  const { name, namespace, uid } = located.strategy.metadata;
  const { promise, resolve, reject } = Promise.withResolvers<Waited>();
  const isWritten = placedIn(placement);
  let wasPlaced = false;
  const look = (now: Located['strategy'] | undefined): void => {
    if (now?.metadata.uid !== uid) {
      reject(new CommandError(`${wordsOf(located)} in namespace ${namespace} was deleted meanwhile`));
      return;
    }
    const answer = now.status.requests?.find((each) => requestKey(each) === placement.key);
    if (answer) resolve({ kind: 'answered', answer });
    // A list may be older than our own write.
    if (isWritten(now)) wasPlaced = true;
    else if (wasPlaced) resolve({ kind: 'replaced' });
  };
  const informer = new SupervisedInformer<KubernetesObject, Located['strategy']>({
    config,
    path: collection(located.kind, namespace),
    selection: { fieldSelector: `metadata.name=${name}` },
    project: (object) => located.kind.parse(object),
    changed: (_before, after) => look(after),
    now: () => Date.now(),
    log: silent,
  });
  informer.start();
  // A strategy that is gone before the list has no change to report.
  void informer.synced.then(() => look(informer.get(keyOf(namespace, name))));
  const timer = setTimeout(() => resolve({ kind: 'silent', watchFailure: informer.failure }), timeoutMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    informer.stop();
  }
}

function placedIn({ annotation, value }: Placement): (strategy: Located['strategy']) => boolean {
  return ({ metadata }) => metadata.annotations[annotation] === value;
}
