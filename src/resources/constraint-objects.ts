/** Watches the constraints that tenants make, and reads the disruption budgets of the cluster. */
import type { KubernetesObject } from '@kubernetes/client-node';
import { z } from 'zod';
import { instanceConstraintSpec, type InstanceConstraintSpec } from '../crds/instance-constraint.ts';
import {
  instanceGroupConstraintSpec,
  type InstanceGroupConstraintSpec,
} from '../crds/instance-group-constraint.ts';
import { API_VERSION } from '../crds/names.ts';
import { labelSelector, type LabelSelector } from '../crds/spec/label-selector.ts';
import { rawPages } from '../kube/client.ts';
import { WatchedObjects, type WatchOptions } from './watched-objects.ts';

/** An object of a tenant, without what nobody reads. */
type OfTenant<Spec> = { readonly namespace: string; readonly name: string; readonly spec: Spec };

/** A disruption budget, and how many of its pods may be unavailable at once, as its controller has counted. */
export type Budget = {
  readonly namespace: string;
  readonly name: string;
  readonly selector?: LabelSelector | undefined;
  readonly maxUnavailable: number;
};

const BUDGETS = '/apis/policy/v1/poddisruptionbudgets';
/** The Eviction API judges by the budgets as they are: these only save asking. */
const BUDGETS_COUNT_MS = 15_000;

const metadata = z.object({ namespace: z.string(), name: z.string() });

const budgetSchema = z
  .looseObject({
    metadata,
    spec: z.looseObject({ selector: labelSelector.optional().catch(undefined) }),
    status: z
      .looseObject({ expectedPods: z.int().default(0), desiredHealthy: z.int().default(0) })
      .default({ expectedPods: 0, desiredHealthy: 0 }),
  })
  .transform(({ metadata: { namespace, name }, spec: { selector }, status }): Budget => {
    const maxUnavailable = Math.max(0, status.expectedPods - status.desiredHealthy);
    return { namespace, name, selector, maxUnavailable };
  });

export class ConstraintWatch {
  /** Called when a constraint has changed. */
  changed: () => void = () => undefined;
  readonly #options: WatchOptions;
  readonly #instances: WatchedObjects<OfTenant<InstanceConstraintSpec>>;
  readonly #groups: WatchedObjects<OfTenant<InstanceGroupConstraintSpec>>;
  #budgets: { readonly readAt: number; readonly of: Promise<readonly Budget[]> } | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    const changed = (): void => this.changed();
    const pathOf = (plural: string): string => `/apis/${API_VERSION}/${plural}`;
    this.#instances = new WatchedObjects({
      ...{ ...options, changed },
      path: pathOf('instanceconstraints'),
      schema: ofTenant(instanceConstraintSpec),
    });
    this.#groups = new WatchedObjects({
      ...{ ...options, changed },
      path: pathOf('instancegroupconstraints'),
      schema: ofTenant(instanceGroupConstraintSpec),
    });
  }

  start(): void {
    this.#instances.start();
    this.#groups.start();
  }

  stop(): void {
    this.#instances.stop();
    this.#groups.stop();
  }

  /** The constraints in all namespaces. Throws when they cannot be read. */
  async objects(): Promise<{
    readonly instances: readonly OfTenant<InstanceConstraintSpec>[];
    readonly groups: readonly OfTenant<InstanceGroupConstraintSpec>[];
  }> {
    await Promise.all([this.#instances.known(), this.#groups.known()]);
    return { instances: this.#instances.all, groups: this.#groups.all };
  }

  /** The disruption budgets of all namespaces, as they were a moment ago. Throws when they cannot be listed. */
  async budgets(): Promise<readonly Budget[]> {
    const now = this.#options.clock();
    const known = this.#budgets;
    if (known && now - known.readAt < BUDGETS_COUNT_MS) return known.of;
    const of = this.#listBudgets();
    this.#budgets = { readAt: now, of };
    of.catch(() => {
      this.#budgets = undefined;
    });
    return of;
  }

  async #listBudgets(): Promise<readonly Budget[]> {
    const found: Budget[] = [];
    for await (const { items } of rawPages<KubernetesObject>(this.#options.config, BUDGETS, {}))
      found.push(...items.map((each) => budgetSchema.parse(each)));
    return found;
  }
}

function ofTenant<Spec>(spec: z.ZodType<Spec>): z.ZodType<OfTenant<Spec>> {
  return z
    .looseObject({ metadata, spec })
    .transform((each): OfTenant<Spec> => ({ ...each.metadata, spec: each.spec }));
}
