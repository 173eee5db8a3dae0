/** Objects as an API server keeps them. */
export type Json = { readonly [field: string]: unknown };

export type Metadata = {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly { readonly uid: string; readonly kind: string }[];
};

export type ApiObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec?: Json;
  readonly status?: Json;
};

/** The input of a create: the server adds the rest. */
export type NewObject = Omit<ApiObject, 'metadata'> & {
  readonly metadata: Pick<Metadata, 'name'> &
    Partial<Pick<Metadata, 'namespace' | 'labels' | 'annotations' | 'finalizers' | 'ownerReferences'>>;
};

/** The kinds of the simulated API server, as they stand in paths. */
export const RESOURCES = [
  ...(['nodes', 'pods', 'jobs', 'events', 'leases', 'secrets'] as const),
  ...(['patchstrategies', 'upgradestrategies', 'planstages', 'hostpools'] as const),
  ...(['maintenancesessions', 'maintenancenotices', 'maintenancewebhooks'] as const),
  ...(['instanceconstraints', 'instancegroupconstraints', 'poddisruptionbudgets'] as const),
] as const;
export type Resource = (typeof RESOURCES)[number];

export function keyOf({ namespace, name }: Pick<Metadata, 'namespace' | 'name'>): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value as it arrives over the wire: a copy, without undefined fields. */
export function overTheWire(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
