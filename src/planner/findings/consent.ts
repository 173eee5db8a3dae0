/** Which instances a drain may not move: nothing would create them again, or they would lose data. */
import type { StrategySpec } from '../../crds/spec/strategy-spec.ts';
import type { HostWords } from '../hosts/host-words.ts';

const NAMED = 3;

/** An instance, as far as its move may need consent. */
export type Movable = {
  readonly namespace: string;
  readonly name: string;
  /** What recreates it on another host, such as `ReplicaSet web-7d4b9`. Undefined when nothing does. */
  readonly controller?: string | undefined;
  /** It has data on its host that a move deletes. */
  readonly localData: boolean;
};

export type Consent = {
  /** What the strategy consents to. */
  readonly drain: StrategySpec['drain'];
  /** The namespaces whose instances without a controller stay, whatever the strategy consents to. */
  readonly protectedNamespaces: readonly string[];
};

/** What may not be moved and how consent is given, one sentence for each kind of instance. */
export function consentMissing(
  instances: readonly Movable[],
  { drain, protectedNamespaces }: Consent,
  words: HostWords,
): string[] {
  const { evictUnmanagedPods, evictPodsWithLocalData } = drain;
  const [guarded, others] = partition(
    instances,
    ({ controller, namespace }) => controller === undefined && protectedNamespaces.includes(namespace),
  );
  const unmanaged = evictUnmanagedPods ? [] : others.filter(({ controller }) => controller === undefined);
  const localData = evictPodsWithLocalData
    ? []
    : others.filter((each) => each.localData && !unmanaged.includes(each));
  return [
    ...(guarded.length > 0 ? [`${list(guarded)} ${words.consent('protected')}`] : []),
    ...(unmanaged.length > 0 ? [`${list(unmanaged)} ${words.consent('unmanaged')}`] : []),
    ...(localData.length > 0 ? [`${list(localData)} ${words.consent('local-data')}`] : []),
  ];
}

function partition<T>(all: readonly T[], test: (each: T) => boolean): readonly [T[], T[]] {
  return [all.filter(test), all.filter((each) => !test(each))];
}

function list(instances: readonly Movable[]): string {
  const named = instances.slice(0, NAMED).map(({ namespace, name }) => `${namespace}/${name}`);
  return instances.length > NAMED
    ? `${named.join(', ')} and ${String(instances.length - NAMED)} more`
    : named.join(', ');
}
