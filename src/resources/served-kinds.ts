/**
 * Watches the CRDs of our kinds, and compares them with those of this version. An API server with older ones drops
 * fields from what it reads and stores, so nothing may be read or written before they are right.
 */
import type { KubernetesObject } from '@kubernetes/client-node';
import { z } from 'zod';
import { openApiSchema, type CrdDefinition } from '../crds/schema/custom-resource-definition.ts';
import { hostPoolDefinition } from '../crds/host-pool.ts';
import { instanceConstraintDefinition } from '../crds/instance-constraint.ts';
import { instanceGroupConstraintDefinition } from '../crds/instance-group-constraint.ts';
import { maintenanceNoticeDefinition } from '../crds/maintenance-notice.ts';
import { maintenanceWebhookDefinition } from '../crds/maintenance-webhook.ts';
import { VERSION } from '../crds/names.ts';
import { planStageDefinition } from '../crds/plan-stage.ts';
import { STRATEGY_KIND_NAMES, STRATEGY_KINDS } from '../crds/strategy-kinds.ts';
import { schemaGaps } from '../crds/schema/schema-gaps.ts';
import { SupervisedInformer } from '../kube/informer.ts';
import { crdName, missingKind, outdatedKind, withRemedy, type OutdatedKinds } from './outdated-kind-error.ts';
import type { WatchOptions } from './watched-objects.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

const servedCrd = z.object({
  spec: z.object({
    versions: z.array(
      z.object({ name: z.string(), served: z.boolean(), schema: z.object({ openAPIV3Schema: z.unknown() }) }),
    ),
  }),
});

type Watched = {
  readonly definition: CrdDefinition;
  readonly informer: SupervisedInformer<KubernetesObject, readonly string[]>;
};

type Problem = { readonly plural: string; readonly sentence: string };

/** The kinds that this version reads and writes. */
export const OUR_KINDS: readonly CrdDefinition[] = [
  hostPoolDefinition,
  ...STRATEGY_KIND_NAMES.map((kind) => STRATEGY_KINDS[kind].definition),
  planStageDefinition,
  maintenanceNoticeDefinition,
  instanceConstraintDefinition,
  instanceGroupConstraintDefinition,
  maintenanceWebhookDefinition,
];

export class ServedKinds {
  /** Called when the CRDs have changed. */
  changed: () => void = () => undefined;
  readonly #watched: readonly Watched[];

  constructor({ config, log, clock }: WatchOptions) {
    this.#watched = OUR_KINDS.map((definition) => ({
      definition,
      informer: new SupervisedInformer<KubernetesObject, readonly string[]>({
        ...{
          config,
          path: CRDS,
          selection: { fieldSelector: `metadata.name=${crdName(definition.plural)}` },
        },
        project: (crd) => gapsIn(definition, crd),
        changed: () => this.changed(),
        ...{ now: clock, log },
      }),
    }));
  }

  /** Resolves once the CRDs are known, or it is known that they cannot be read: then only refused writes show it. */
  async start(): Promise<void> {
    for (const { informer } of this.#watched) informer.start();
    await Promise.all(this.#watched.map(({ informer }) => informer.firstAnswer));
  }

  stop(): void {
    for (const { informer } of this.#watched) informer.stop();
  }

  /** Why this version cannot work with the CRDs in the cluster; undefined when it can. */
  get outdated(): OutdatedKinds | undefined {
    const problems = this.#watched.flatMap((watched) => problemOf(watched));
    if (problems.length === 0) return undefined;
    const message = withRemedy(problems.map(({ sentence }) => sentence));
    return { message, plurals: problems.map(({ plural }) => plural) };
  }
}

function problemOf({ definition: { plural }, informer }: Watched): readonly Problem[] {
  if (!informer.isSynced) return [];
  const sentence = kindProblem(plural, informer.get(crdName(plural)));
  return sentence === undefined ? [] : [{ plural, sentence }];
}

/** @param gaps what the CRD does not accept; undefined when there is no CRD */
function kindProblem(plural: string, gaps: readonly string[] | undefined): string | undefined {
  if (gaps === undefined) return missingKind(plural);
  return gaps.length > 0 ? outdatedKind(plural, gaps) : undefined;
}

/** Why this version cannot work with a CRD, which is undefined when the cluster has none; undefined when it can. */
export function problemOfKind(definition: CrdDefinition, crd: unknown): string | undefined {
  return kindProblem(definition.plural, crd === undefined ? undefined : gapsIn(definition, crd));
}

/** What this version needs and the CRD does not accept. */
function gapsIn(definition: CrdDefinition, crd: unknown): readonly string[] {
  const versions = servedCrd.safeParse(crd).data?.spec.versions ?? [];
  const version = versions.find(({ name, served }) => name === VERSION && served);
  return version
    ? schemaGaps(openApiSchema(definition), version.schema.openAPIV3Schema)
    : [`version ${VERSION}`];
}
