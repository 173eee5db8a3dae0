/** The paths of our resources on the API server. */
import { GROUP, VERSION } from '../crds/names.ts';
import type { OwnerName } from '../crds/owner-ref.ts';
import { isStrategyKind, STRATEGY_KINDS, type StrategyKindName } from '../crds/strategy-kinds.ts';
import { keyOf } from '../kube/kept-objects.ts';

export type StrategyKey = {
  readonly kind: StrategyKindName;
  readonly namespace: string;
  readonly name: string;
};

/** The key of a strategy from its name as an owner. Throws for a kind that is none of strategies. */
export function strategyKey({ kind, namespace, name }: OwnerName): StrategyKey {
  if (!isStrategyKind(kind)) throw new Error(`${kind} is no kind of strategy`);
  return { kind, namespace, name };
}

const BASE = `/apis/${GROUP}/${VERSION}`;
export const POOLS = 'hostpools';
export const POOLS_PATH = `${BASE}/${POOLS}`;

/** The path of all strategies of a kind. */
export function strategiesPath(kind: StrategyKindName): string {
  return `${BASE}/${STRATEGY_KINDS[kind].definition.plural}`;
}

export function strategyPath({ kind, namespace, name }: StrategyKey): string {
  return `${BASE}/namespaces/${namespace}/${STRATEGY_KINDS[kind].definition.plural}/${name}`;
}

export function keyOfStrategyPath(path: string): string {
  const [name = '', , namespace] = path.split('/').toReversed();
  return keyOf(namespace, name);
}

export function poolPath(name: string): string {
  return `${POOLS_PATH}/${name}`;
}

export function keyOfPoolPath(path: string): string {
  return path.slice(POOLS_PATH.length + 1);
}
