/** Reads and writes the PlanStages of a strategy: the parts of a plan that is too large for its status. */
import { ApiException, type KubeConfig, type KubernetesObject } from '@kubernetes/client-node';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { API_VERSION, PLAN_STAGE, RUN_LABEL, STRATEGY_UID_LABEL } from '../crds/names.ts';
import type { OwnerRef } from '../crds/owner-ref.ts';
import type { StageStatus } from '../crds/observed/strategy-status.ts';
import { planStageSpec, planStageStatus, type PlanStageSpec } from '../crds/plan-stage.ts';
import { call, FIELD_MANAGER, rawPages } from '../kube/client.ts';
import { httpStatus } from '../kube/errors.ts';

const PLAN_STAGES = 'planstages';
const QUERY = { fieldManager: FIELD_MANAGER, fieldValidation: 'Strict' } as const;
/** How much of the name of a strategy the name of a PlanStage has. */
const NAME_LENGTH = 200;

/** A PlanStage as it is stored. */
export type StoredPart = {
  readonly name: string;
  readonly uid: string;
  /** Undefined when it cannot be read. */
  readonly spec: PlanStageSpec | undefined;
  /** Its stages as they ended; undefined until then. */
  readonly stages: readonly StageStatus[] | undefined;
};

/** The name of a PlanStage and what it belongs to. */
export type NamedPart = { readonly name: string; readonly uid: string };

const metadata = z.object({ name: z.string(), uid: z.string() });
const planStage = z
  .looseObject({ metadata })
  .transform(({ metadata: { name, uid }, spec, status }): StoredPart => ({
    name,
    uid,
    spec: planStageSpec.safeParse(spec).data,
    stages: planStageStatus.safeParse(status).data?.stages,
  }));

/** The name of the PlanStage with this part of a plan. */
export function planStageName({
  strategy,
  run,
  part,
}: Pick<PlanStageSpec, 'strategy' | 'run' | 'part'>): string {
  const short = strategy.slice(0, NAME_LENGTH).replace(/[^a-z0-9]+$/, '');
  return `${short}-${createHash('sha256').update(run).digest('hex').slice(0, 10)}-${String(part)}`;
}

/** The label of the PlanStages of a run, as an option of kubectl. */
export function selectorOfRun(run: string): string {
  return `${RUN_LABEL}=${run}`;
}

export class PlanStages {
  readonly #config: KubeConfig;

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  /** Stores a part of a plan, unless it is there already. */
  async create({ kind, namespace, name, uid }: OwnerRef, spec: PlanStageSpec): Promise<void> {
    const body = {
      apiVersion: API_VERSION,
      kind: PLAN_STAGE,
      metadata: {
        name: planStageName(spec),
        namespace,
        labels: { [RUN_LABEL]: spec.run, [STRATEGY_UID_LABEL]: uid },
        ownerReferences: [{ apiVersion: API_VERSION, kind, name, uid, controller: true }],
      },
      spec,
    };
    try {
      await call(this.#config, {
        method: 'POST',
        path: pathOf(namespace),
        query: QUERY,
        body,
        as: 'metadata',
      });
    } catch (error) {
      if (httpStatus(error) !== 409) throw error;
    }
  }

  /** The PlanStage of this name; undefined when there is none. */
  async read(namespace: string, name: string): Promise<StoredPart | undefined> {
    try {
      return planStage.parse(
        await call(this.#config, { method: 'GET', path: `${pathOf(namespace)}/${name}` }),
      );
    } catch (error) {
      if (error instanceof ApiException && error.code === 404) return undefined;
      throw error;
    }
  }

  /** All PlanStages of a run, by their place in its plan. */
  async ofRun(namespace: string, run: string): Promise<readonly StoredPart[]> {
    const found: StoredPart[] = [];
    for await (const { items } of rawPages(this.#config, pathOf(namespace), {
      labelSelector: selectorOfRun(run),
    }))
      found.push(...items.map((each) => planStage.parse(each)));
    return found.toSorted((a, b) => (a.spec?.part ?? Infinity) - (b.spec?.part ?? Infinity));
  }

  /** The PlanStages with the label of a strategy, without their content. */
  async namesOf({ namespace, uid }: OwnerRef): Promise<readonly NamedPart[]> {
    const selection = { labelSelector: `${STRATEGY_UID_LABEL}=${uid}` };
    const found: NamedPart[] = [];
    const pages = rawPages<KubernetesObject>(
      this.#config,
      pathOf(namespace),
      selection,
      undefined,
      'metadata',
    );
    for await (const { items } of pages) found.push(...items.map((each) => metadata.parse(each.metadata)));
    return found;
  }

  /** Stores how the stages of a part ended. Nothing happens when the PlanStage was deleted or made again meanwhile. */
  async writeEnd(namespace: string, { name, uid }: NamedPart, stages: readonly StageStatus[]): Promise<void> {
    const path = `${pathOf(namespace)}/${name}/status`;
    const body = { metadata: { uid }, status: { stages } };
    await unlessGone(call(this.#config, { method: 'PATCH', path, query: QUERY, body, as: 'metadata' }));
  }

  /** Deletes a PlanStage, unless that has happened. */
  async remove(namespace: string, { name, uid }: NamedPart): Promise<void> {
    const path = `${pathOf(namespace)}/${name}`;
    const body = { preconditions: { uid } };
    await unlessGone(call(this.#config, { method: 'DELETE', path, body, as: 'metadata' }));
  }
}

function pathOf(namespace: string): string {
  return `/apis/${API_VERSION}/namespaces/${namespace}/${PLAN_STAGES}`;
}

async function unlessGone(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    const status = httpStatus(error);
    if (status !== 404 && status !== 409) throw error;
  }
}
