/** Follows one strategy by a watch, also over breaks of the connection. */
import type { KubernetesObject } from '@kubernetes/client-node';
import { SupervisedInformer } from '../../kube/informer.ts';
import type { Connection } from '../cluster/connection.ts';
import { collection, type Located } from '../cluster/strategies.ts';
import type { StoredStrategy } from '../cluster/kinds.ts';
import type { Lost } from './frame.ts';

export type Followed = {
  /** As it was last seen. */
  readonly located: Located;
  readonly isDeleted: boolean;
  readonly lost?: Lost | undefined;
};

/** Calls `changed` after each change of the strategy or of the connection, until `signal` aborts. */
export function follow(
  connection: Connection,
  first: Located,
  changed: (followed: Followed) => void,
  signal: AbortSignal,
): void {
  let followed: Followed = { located: first, isDeleted: false };
  const now = (): number => Date.now();
  const tell = (next: Partial<Followed>): void => {
    followed = { ...followed, ...next };
    changed(followed);
  };
  const { name, namespace } = first.strategy.metadata;
  const informer = new SupervisedInformer<KubernetesObject, StoredStrategy>({
    config: connection.config,
    path: collection(first.kind, namespace),
    selection: { fieldSelector: `metadata.name=${name}` },
    project: (object) => first.kind.parse(object),
    changed: (_before, strategy) => {
      if (strategy) tell({ located: { ...first, strategy }, isDeleted: false });
      else tell({ isDeleted: true });
    },
    connected: () => {
      if (followed.lost) tell({ lost: undefined });
    },
    now,
    log: {
      info: () => undefined,
      warn: ({ error }) => tell({ lost: { since: followed.lost?.since ?? now(), why: String(error) } }),
    },
  });
  signal.addEventListener('abort', () => informer.stop(), { once: true });
  informer.start();
}
