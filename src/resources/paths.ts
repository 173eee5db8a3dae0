/** The paths of our resources on the API server. */
import { GROUP, VERSION } from '../crds/names.ts';
import { keyOf } from '../kube/informer.ts';

export type StrategyKey = { readonly namespace: string; readonly name: string };

const BASE = `/apis/${GROUP}/${VERSION}`;
export const STRATEGIES = 'patchstrategies';
export const POOLS = 'hostpools';
export const STRATEGIES_PATH = `${BASE}/${STRATEGIES}`;
export const POOLS_PATH = `${BASE}/${POOLS}`;

export function strategyPath({ namespace, name }: StrategyKey): string {
  return `${BASE}/namespaces/${namespace}/patchstrategies/${name}`;
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
