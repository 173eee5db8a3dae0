import { CoreV1Api, type KubeConfig, type V1Pod } from '@kubernetes/client-node';
import { apply, mergePatch } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';

const NAMESPACE = 'default';

/** A pod of a StatefulSet that runs on one host: after an eviction it returns under the same name. */
export class StatefulPod {
  readonly name: string;
  readonly #set: string;
  readonly #admin: KubeConfig;

  private constructor(admin: KubeConfig, set: string) {
    this.#admin = admin;
    this.#set = set;
    this.name = `${set}-0`;
  }

  /** Starts it and waits until it runs. */
  static async start(
    admin: KubeConfig,
    set: string,
    host: string,
    tolerations: readonly object[] = [],
  ): Promise<StatefulPod> {
    const labels = { app: set };
    const template = {
      metadata: { labels },
      spec: {
        nodeSelector: { 'kubernetes.io/hostname': host },
        tolerations,
        containers: [{ name: 'app', image: 'registry.example.com/app:1' }],
      },
    };
    const pod = new StatefulPod(admin, set);
    await apply(admin, {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: set, namespace: NAMESPACE },
      spec: { replicas: 1, serviceName: set, selector: { matchLabels: labels }, template },
    });
    await pod.runningOtherThan(undefined);
    return pod;
  }

  /** Removes it for good. */
  async remove(): Promise<void> {
    const set = { apiVersion: 'apps/v1', kind: 'StatefulSet' };
    await mergePatch(
      this.#admin,
      { ...set, metadata: { name: this.#set, namespace: NAMESPACE } },
      { spec: { replicas: 0 } },
    );
  }

  /** Sets how often its budget allows an eviction: never, or always. */
  async allow(disruptions: 0 | 1): Promise<void> {
    await apply(this.#admin, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: this.#set, namespace: NAMESPACE },
      spec: { maxUnavailable: disruptions, selector: { matchLabels: { app: this.#set } } },
    });
  }

  /** Whether admission denies its eviction. */
  async evictionDenied(): Promise<boolean> {
    const at = { name: this.name, namespace: NAMESPACE };
    const body = { metadata: at };
    const core = this.#admin.makeApiClient(CoreV1Api);
    return core.createNamespacedPodEviction({ ...at, body, dryRun: 'All' }).then(
      () => false,
      (error: unknown) => String(error).includes('denied the request'),
    );
  }

  /** Waits until a pod of that name runs with another uid; returns its uid. */
  async runningOtherThan(uid: string | undefined): Promise<string> {
    return eventually(`a new pod ${this.name} runs`, async () => {
      const pod = await this.#read();
      const is = pod?.metadata?.uid;
      return is !== uid && pod?.status?.phase === 'Running' && is;
    });
  }

  /** Whether the pod with this uid still runs and was not evicted. */
  async stays(uid: string): Promise<boolean> {
    const { metadata } = (await this.#read()) ?? {};
    return metadata?.uid === uid && metadata.deletionTimestamp === undefined;
  }

  async #read(): Promise<V1Pod | undefined> {
    const fieldSelector = `metadata.name=${this.name}`;
    const core = this.#admin.makeApiClient(CoreV1Api);
    return (await core.listNamespacedPod({ namespace: NAMESPACE, fieldSelector })).items[0];
  }
}
