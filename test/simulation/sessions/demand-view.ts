/**
 * Reads what tenants demand of the moves of a pod, from their objects alone (docs/reference/workflows.md): the checker
 * shares no line with the operator.
 */
import { at, type Change, type Objects } from '../world/api-server.ts';
import { isApart } from '../world/pod-traits.ts';
import { isJson, type ApiObject } from '../world/objects.ts';

const INSTANCES = 'instanceconstraints';
const GROUPS = 'instancegroupconstraints';
const BUDGETS = 'poddisruptionbudgets';
/** The operator may decide by budgets that are so old. */
const BUDGET_AGE_MS = 30_000;

/** A group of which a pod is a member. */
export type DemandedGroup = {
  readonly key: string;
  /** How many members may be affected at once. */
  readonly most: number;
  readonly recoverySeconds: number;
  /** Its members move one after another. */
  readonly isKeptApart: boolean;
};

/** `none`: its owner has said nothing. `unclear`: what it has said does not hold. */
export type Demand =
  | {
      readonly kind: 'stated';
      readonly leadSeconds: number;
      readonly action: string;
      readonly groups: readonly DemandedGroup[];
    }
  | { readonly kind: 'none' | 'unclear'; readonly groups: readonly DemandedGroup[] };

export type DemandViewOptions = {
  readonly server: Pick<Objects, 'list' | 'get'>;
  readonly now: () => number;
};

export class DemandView {
  readonly #options: DemandViewOptions;
  /** By namespace: when a constraint was last made, changed or deleted. */
  readonly #changedAt = new Map<string, number>();
  /** By the key of a budget: how many pods could be unavailable, and since when. */
  readonly #allowed = new Map<string, { readonly since: number; readonly most: number }[]>();

  constructor(options: DemandViewOptions) {
    this.#options = options;
  }

  changed({ resource, object, before }: Change): void {
    const { namespace = '', name } = object.metadata;
    const isConstraint = resource === INSTANCES || resource === GROUPS;
    // Who has made a constraint for the pod of somebody else has changed nothing there.
    if (isConstraint && object !== before) this.#changedAt.set(namespace, this.#options.now());
    if (resource !== BUDGETS) return;
    const [expected, desired] = [at(object.status, 'expectedPods'), at(object.status, 'desiredHealthy')];
    const known = this.#allowed.get(`${namespace}/${name}`) ?? [];
    known.push({ since: this.#options.now(), most: Math.max(1, Number(expected) - Number(desired)) });
    this.#allowed.set(`${namespace}/${name}`, known);
  }

  /** For how long the constraints of a namespace are as they are. */
  settledMs(namespace: string): number {
    return this.#options.now() - (this.#changedAt.get(namespace) ?? -Infinity);
  }

  /** What the owner of a pod demands, in a session with this workflow. */
  of(pod: ApiObject, workflow: string): Demand {
    const derived = workflow === 'kubernetes' ? [...this.#budgetsOf(pod), ...replicasOf(pod)] : [];
    const [found, ...others] = this.#constraintsOf(pod);
    if (!found) return { kind: 'none', groups: derived };
    const { namespace = '' } = pod.metadata;
    const key = `${namespace}/${String(found.spec?.['groupRef'])}`;
    const group = this.#options.server.get(GROUPS, key);
    const action = String(found.spec?.['migrationType']);
    // A pod does not move live.
    if (others.length > 0 || !group || action === 'LIVE_MIGRATE') return { kind: 'unclear', groups: derived };
    const leadSeconds = Number(found.spec?.['leadTimeSeconds'] ?? 0);
    return { kind: 'stated', leadSeconds, action, groups: [groupOf(key, group), ...derived] };
  }

  /** Those in the namespace of the pod that name it most exactly: by its id, by its labels, by its name. */
  #constraintsOf({ metadata: { uid, name, namespace, labels = {} } }: ApiObject): readonly ApiObject[] {
    const own = this.#options.server.list(INSTANCES).filter((each) => each.metadata.namespace === namespace);
    const byId = own.filter(({ spec }) => spec?.['instanceId'] === uid);
    if (byId.length > 0) return byId;
    const byLabels = own.filter(({ spec }) => selects(spec?.['selector'], labels));
    return byLabels.length > 0 ? byLabels : own.filter(({ spec }) => spec?.['instanceName'] === name);
  }

  #budgetsOf({ metadata: { namespace = '', labels = {} } }: ApiObject): readonly DemandedGroup[] {
    const own = this.#options.server.list(BUDGETS).filter((each) => each.metadata.namespace === namespace);
    return own
      .filter(({ spec }) => selects(spec?.['selector'], labels))
      .map(({ metadata: { name } }) => ({
        ...{ key: `budget ${namespace}/${name}`, most: this.#mostAllowed(`${namespace}/${name}`) },
        ...{ recoverySeconds: 0, isKeptApart: false },
      }));
  }

  /** What a budget has allowed at most, of late. */
  #mostAllowed(key: string): number {
    const known = this.#allowed.get(key) ?? [];
    const from = this.#options.now() - BUDGET_AGE_MS;
    const lately = known.filter((each, i) => each.since >= from || (known[i + 1]?.since ?? Infinity) >= from);
    return Math.max(1, ...lately.map(({ most }) => most));
  }
}

/** Replicas that share no host leave one after another. */
function replicasOf({ metadata, spec }: ApiObject): readonly DemandedGroup[] {
  const owner = metadata.ownerReferences?.[0];
  if (!owner || !isApart(spec)) return [];
  const key = `replicas of ${owner.uid} in ${metadata.namespace ?? ''}`;
  return [{ key, most: 1, recoverySeconds: 0, isKeptApart: false }];
}

function groupOf(key: string, { spec }: ApiObject): DemandedGroup {
  return {
    ...{ key, most: Number(spec?.['maxImpactedMembers']), isKeptApart: spec?.['antiAffinity'] === true },
    recoverySeconds: Number(spec?.['recoverySeconds'] ?? 0),
  };
}

function selects(selector: unknown, labels: Readonly<Record<string, string>>): boolean {
  const wanted = at(selector, 'matchLabels');
  return isJson(wanted) && Object.entries(wanted).every(([label, value]) => labels[label] === value);
}
