/** Watches the pods of the Jobs of a namespace. */
import type { KubeConfig, V1Pod } from '@kubernetes/client-node';
import { RUN_LABEL } from '../../crds/names.ts';
import { SupervisedInformer } from '../../kube/informer.ts';
import type { Log } from '../../kube/log.ts';
import { jobPod, type JobPod } from './job-pod.ts';

export type JobPodsOptions = {
  readonly config: KubeConfig;
  readonly namespace: string;
  /** Called when a pod of the Job with this uid changes. */
  readonly changed: (jobUid: string) => void;
  readonly now: () => number;
  readonly log: Log;
};

export class JobPods {
  readonly #informer: SupervisedInformer<V1Pod, JobPod>;
  readonly #pods = new Map<string, Map<string, JobPod>>();

  constructor({ config, namespace, changed, now, log }: JobPodsOptions) {
    this.#informer = new SupervisedInformer<V1Pod, JobPod>({
      config,
      path: `/api/v1/namespaces/${namespace}/pods`,
      selection: { labelSelector: RUN_LABEL },
      project: jobPod,
      changed: (before, after) => {
        this.#change(before, after);
        changed((after ?? before)?.jobUid ?? '');
      },
      now,
      log,
    });
    this.#informer.start();
  }

  /** Resolves at the end of the first list, or with its failure. */
  get firstAnswer(): Promise<string | undefined> {
    return this.#informer.firstAnswer;
  }

  get isSynced(): boolean {
    return this.#informer.isSynced;
  }

  get failure(): string | undefined {
    return this.#informer.failure;
  }

  async listAgain(): Promise<string | undefined> {
    return this.#informer.listAgain();
  }

  of(jobUid: string): readonly JobPod[] {
    return [...(this.#pods.get(jobUid)?.values() ?? [])];
  }

  stop(): void {
    this.#informer.stop();
  }

  #change(before: JobPod | undefined, after: JobPod | undefined): void {
    if (before) {
      const pods = this.#pods.get(before.jobUid);
      if (pods?.delete(before.uid) && pods.size === 0) this.#pods.delete(before.jobUid);
    }
    if (!after) return;
    const pods = this.#pods.get(after.jobUid) ?? new Map<string, JobPod>();
    this.#pods.set(after.jobUid, pods.set(after.uid, after));
  }
}
