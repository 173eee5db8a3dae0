/** The objects of writes: what is written, where, and the version that it was decided on. */
import { STRATEGY_KINDS, type StrategyKindName } from '../crds/strategy-kinds.ts';
import { poolPath, POOLS, strategyPath } from './paths.ts';
import type { Metadata, Strategy } from './stored-strategy.ts';

/** The object of a write: its path, its name for people, and the plural of its kind. */
export type Target = {
  readonly path: string;
  readonly words: string;
  /** Absent for a pool. */
  readonly kind?: StrategyKindName;
  readonly plural: string;
  /** The version that the write was decided on. */
  readonly version: Version;
};
/** Which object, and which state of it. */
export type Version = Pick<Metadata, 'uid' | 'resourceVersion'>;

/** The path of a strategy on the API server. */
export function pathOf({ kind, metadata: { namespace, name } }: Pick<Strategy, 'kind' | 'metadata'>): string {
  return strategyPath({ kind, namespace, name });
}

/** A strategy as the object of a write that was decided on it as it is here. */
export function targetOf(strategy: Pick<Strategy, 'kind' | 'metadata'>): Target {
  const { kind, metadata: version } = strategy;
  const words = `${kind} ${version.namespace}/${version.name}`;
  return { path: pathOf(strategy), kind, words, plural: STRATEGY_KINDS[kind].definition.plural, version };
}

/** A pool as the object of such a write. */
export function poolTarget(version: Version & { readonly name: string }): Target {
  return { path: poolPath(version.name), words: `HostPool ${version.name}`, plural: POOLS, version };
}

/** The metadata by which the API server refuses a write once the object was replaced or has changed. */
export function guard({ uid, resourceVersion }: Metadata): { uid: string; resourceVersion: string } {
  return { uid, resourceVersion };
}
