/** The strategies of all kinds, as objects of the simulated API server. */
import type { Objects } from './api-server.ts';
import { keyOf, type ApiObject, type Resource } from './objects.ts';

const RESOURCE_OF = {
  PatchStrategy: 'patchstrategies',
  UpgradeStrategy: 'upgradestrategies',
  MaintenanceSession: 'maintenancesessions',
} as const satisfies Readonly<Record<string, Resource>>;
export type StrategyKind = keyof typeof RESOURCE_OF;
type StrategyResource = (typeof RESOURCE_OF)[StrategyKind];

export const STRATEGIES: readonly StrategyResource[] = Object.values(RESOURCE_OF);

/** A strategy by its kind and key: two of different kinds may have the same name. */
export type StrategyRef = { readonly resource: StrategyResource; readonly key: string };

export function isStrategies(resource: string): resource is StrategyResource {
  return STRATEGIES.some((each) => each === resource);
}

export function refOf({ kind, metadata }: Pick<ApiObject, 'kind'> & Metadata): StrategyRef {
  const resource = isUpgrade({ kind })
    ? RESOURCE_OF.UpgradeStrategy
    : isSession({ kind })
      ? RESOURCE_OF.MaintenanceSession
      : RESOURCE_OF.PatchStrategy;
  return { resource, key: keyOf(metadata) };
}
type Metadata = { readonly metadata: Parameters<typeof keyOf>[0] };

export function isUpgrade({ kind }: Pick<ApiObject, 'kind'>): boolean {
  return kind === 'UpgradeStrategy';
}

export function isSession({ kind }: Pick<ApiObject, 'kind'>): boolean {
  return kind === 'MaintenanceSession';
}

/** The strategies of all kinds. */
export function strategiesOf(server: Pick<Objects, 'list'>): ApiObject[] {
  return STRATEGIES.flatMap((resource) => server.list(resource));
}

/** A strategy for people. */
export function nameOf({ kind, metadata: { name } }: Pick<ApiObject, 'kind' | 'metadata'>): string {
  return kind === 'PatchStrategy' ? name : `${kind} ${name}`;
}

export function textOf({ resource, key }: StrategyRef): string {
  return resource === RESOURCE_OF.PatchStrategy ? key : `${resource}/${key}`;
}
