/** A project of a recorded session on a real control plane: a namespace with a pod for each of its instances. */
import { CoreV1Api, type V1Pod } from '@kubernetes/client-node';
import { includesState, type RecordedSession } from '../../src/cli/vectors/sessions/recorded-session.ts';
import { removedIn } from '../../src/cli/vectors/sessions/simulated-tenants.ts';
import { apply, list, mergePatch } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import type { Cluster } from './cluster.ts';
import { Project } from './project.ts';
import { INSTANCE } from './session-recorder.ts';

export type RecordedProjectOptions = {
  readonly cluster: Cluster;
  readonly recorded: RecordedSession;
  /** As the recording names it. */
  readonly project: string;
  readonly namespace: string;
  readonly pool: string;
};

export class RecordedProject {
  readonly namespace: string;
  readonly #options: RecordedProjectOptions;
  readonly #project: Project;
  readonly #removed = new Set<string>();
  readonly #answered = new Set<number>();
  #rounds = 0;

  constructor(options: RecordedProjectOptions) {
    this.#options = options;
    this.namespace = options.namespace;
    this.#project = new Project(options.cluster.admin, options.namespace);
  }

  /** Whether it has removed an instance. */
  hasRemoved(instance: string): boolean {
    return this.#removed.has(instance);
  }

  /** Starts its instances where they were recorded: each has a controller that replaces it on any host with room. */
  async start(hostOf: (recordedHost: string) => string): Promise<void> {
    const { cluster, recorded, project, pool } = this.#options;
    await apply(cluster.admin, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: this.namespace } });
    const own = recorded.world.instances.filter((each) => each.project === project);
    await eventually(`the service account of ${this.namespace}`, async () => {
      const account = {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'default', namespace: this.namespace },
      };
      return (await list(cluster.admin, account, '')).items.length > 0;
    });
    for (const { id, host, size } of own) {
      const labels = { [INSTANCE]: id };
      const resources = { requests: { cpu: String(size) } };
      const containers = [{ name: 'app', image: 'registry.example.com/app:1', resources }];
      const metadata = { name: id, namespace: this.namespace };
      const placed = { nodeName: hostOf(host), containers };
      await apply(
        cluster.admin,
        { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, labels }, spec: placed },
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          metadata,
          spec: {
            replicas: 1,
            selector: { matchLabels: labels },
            template: { metadata: { labels }, spec: { nodeSelector: { pool }, containers } },
          },
        },
      );
    }
    await eventually(`the instances of ${this.namespace} run`, async () => {
      const pods = await this.#pods();
      const areOwned = pods.every(({ metadata }) => metadata?.ownerReferences?.length === 1);
      return areOwned && pods.filter(({ status }) => status?.phase === 'Running').length === own.length;
    });
  }

  /** Answers each question as the recording says, until the session is over. */
  async answer(isOver: () => boolean): Promise<void> {
    await eventually(
      `the end of the session of ${this.namespace}`,
      async () => {
        await this.#answerNow();
        return isOver();
      },
      { seconds: 60 },
    );
  }

  async instances(): Promise<{ readonly id: string; readonly host: string }[]> {
    const pods = await this.#pods();
    return pods.map(({ metadata, spec }) => ({
      id: metadata?.labels?.[INSTANCE] ?? '',
      host: spec?.nodeName ?? '',
    }));
  }

  async #answerNow(): Promise<void> {
    const { recorded, project } = this.#options;
    const notice = await this.#project.notice();
    const { question, answer } = notice?.status ?? {};
    const tenant = recorded.tenants[project];
    if (!notice || !question || !tenant || answer !== 'awaited' || this.#answered.has(question.number))
      return;
    this.#answered.add(question.number);
    if (includesState(tenant.refuses, question.asks)) return this.#project.answer(notice, { answer: 'NACK' });
    if (question.asks === 'SCALE_IN') await this.#scaleIn();
    return this.#project.answer(notice, {}, { '*': tenant.moveAction });
  }

  async #scaleIn(): Promise<void> {
    const { cluster, recorded, project } = this.#options;
    this.#rounds += 1;
    for (const name of removedIn(recorded, this.#rounds, project)) {
      this.#removed.add(name);
      const set = {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: { name, namespace: this.namespace },
      };
      await mergePatch(cluster.admin, set, { spec: { replicas: 0 } });
    }
    await eventually('the removed instances are gone', async () =>
      (await this.instances()).every(({ id }) => !this.#removed.has(id)),
    );
  }

  async #pods(): Promise<V1Pod[]> {
    const core = this.#options.cluster.admin.makeApiClient(CoreV1Api);
    return (await core.listNamespacedPod({ namespace: this.namespace })).items;
  }
}
