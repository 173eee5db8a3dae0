/** The disruption budgets of the projects as objects, with the counts of their controller. */
import type { ApiServer, Change } from '../world/api-server.ts';
import { CLUSTER } from '../world/job-controller.ts';
import type { Json } from '../world/objects.ts';
import type { Scheduler } from '../world/scheduler.ts';

const BUDGETS = 'poddisruptionbudgets';
/** The controller counts again so long after a change. */
const COUNTED_MS = 300;

export type BudgetsOptions = {
  readonly server: ApiServer;
  readonly scheduler: Scheduler;
  /** By project: how many of its pods must be available. It may change. */
  readonly minAvailable: Readonly<Record<string, number>>;
};

export class SessionBudgets {
  readonly #options: BudgetsOptions;
  /** By project: how many pods it may lack. The owner of the pods and its budget change together. */
  readonly #spare = new Map<string, number>();

  constructor(options: BudgetsOptions) {
    this.#options = options;
    options.server.listen((change) => this.#changed(change));
  }

  /** Makes a budget for each project that has one. */
  set(): void {
    const { server, minAvailable } = this.#options;
    for (const [project, least] of Object.entries(minAvailable)) {
      if (least === 0) continue;
      const count = server.list('pods').filter(({ metadata }) => metadata.namespace === project).length;
      this.#spare.set(project, count - least);
      const spec = { minAvailable: least, selector: { matchLabels: { app: project } } };
      const metadata = { name: project, namespace: project };
      const kind = 'PodDisruptionBudget';
      server.create(
        BUDGETS,
        { apiVersion: 'policy/v1', kind, metadata, spec, status: this.#counted(project) },
        CLUSTER,
      );
    }
  }

  #changed({ resource, type, object: { metadata } }: Change): void {
    const { namespace = '' } = metadata;
    const { server, scheduler } = this.#options;
    const key = `${namespace}/${namespace}`;
    if (resource !== 'pods' || (type === 'MODIFIED' && metadata.deletionTimestamp === undefined)) return;
    if (!server.get(BUDGETS, key)) return;
    scheduler.after(COUNTED_MS, () =>
      server.update(BUDGETS, key, (each) => ({ ...each, status: this.#counted(namespace) }), CLUSTER),
    );
  }

  #counted(project: string): Json {
    const { server, minAvailable } = this.#options;
    const pods = server.list('pods').filter(({ metadata }) => metadata.namespace === project);
    const currentHealthy = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).length;
    const desiredHealthy = minAvailable[project] ?? 0;
    const expectedPods = desiredHealthy + (this.#spare.get(project) ?? 0);
    const disruptionsAllowed = Math.max(0, currentHealthy - desiredHealthy);
    return { expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed };
  }
}
