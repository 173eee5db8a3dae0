/**
 * Watches the pods of single hosts: one watch for each host, shared by all its users. It begins when the host is closed,
 * unless somebody needs to know the pods before: only a list that is made then shows all that came before.
 */
import type { KubeConfig, V1Pod } from '@kubernetes/client-node';
import type { InstanceFacts } from '../../engine/view.ts';
import { jobUidOf } from '../jobs/job-pod.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { Log } from '../../kube/log.ts';
import { instanceOf } from './pod-facts.ts';
import { SupervisedInformer } from '../../kube/informer.ts';

export type PodWatchOptions = {
  readonly config: KubeConfig;
  /** Called when the pods of this host change, and when their watch is up. */
  readonly changed: (host: HostName) => void;
  /** Whether the Job of this uid works on hosts for us: its pod is no instance. */
  readonly isOurs: (jobUid: string) => boolean;
  readonly now: () => number;
  readonly log: Log;
};

/** A pod that may have to leave its host. */
type Occupant = { readonly instance: InstanceFacts; readonly jobUid: string | undefined };
type Snapshot = { readonly instances: readonly InstanceFacts[]; readonly ofJobs: readonly Occupant[] };
type Watched = {
  /** Undefined until the host is closed or claimed. */
  informer: SupervisedInformer<V1Pod, Occupant> | undefined;
  users: number;
  /** Made on demand, and kept until a pod changes. */
  snapshot: Snapshot | undefined;
};

export class PodWatches {
  readonly #options: PodWatchOptions;
  readonly #hosts = new Map<HostName, Watched>();

  constructor(options: PodWatchOptions) {
    this.#options = options;
  }

  /**
   * Watches the host, or shares its watch. Each call needs one `release`.
   * @param atOnce whether the watch begins now, because the host is closed, claimed, or its pods are wanted in any case:
   * otherwise it begins with `begin` or `relist`
   */
  acquire(host: HostName, atOnce: boolean): void {
    const watched = this.#hosts.get(host) ?? { informer: undefined, users: 0, snapshot: undefined };
    watched.users++;
    this.#hosts.set(host, watched);
    if (atOnce) this.begin(host);
  }

  /** Begins the watch of a host that somebody has acquired. */
  begin(host: HostName): void {
    if (this.#hosts.get(host)?.informer === undefined) this.relist(host);
  }

  /**
   * Lists the pods of an acquired host anew; until then they are unknown. A watch may lag or be silent: only a list that is
   * made after the host was closed shows all pods that came before.
   */
  relist(host: HostName): void {
    const watched = this.#hosts.get(host);
    if (!watched) return;
    watched.informer?.stop();
    watched.snapshot = undefined;
    watched.informer = this.#informer(host, watched);
    watched.informer.start();
  }

  /** Lists the pods of every watched host anew. */
  listAgain(): void {
    for (const [host, { informer }] of this.#hosts) if (informer) this.relist(host);
  }

  release(host: HostName): void {
    const watched = this.#hosts.get(host);
    if (!watched || --watched.users > 0) return;
    watched.informer?.stop();
    this.#hosts.delete(host);
  }

  /** The instances on the host; undefined while its watch has not begun, or has not listed them yet. */
  instances(host: HostName): readonly InstanceFacts[] | undefined {
    const watched = this.#hosts.get(host);
    if (!watched?.informer?.isSynced) return undefined;
    const { instances, ofJobs } = (watched.snapshot ??= snapshotOf([...watched.informer.values()]));
    const strangers = ofJobs.filter(({ jobUid = '' }) => !this.#options.isOurs(jobUid));
    return strangers.length === 0 ? instances : [...instances, ...strangers.map(({ instance }) => instance)];
  }

  stop(): void {
    for (const { informer } of this.#hosts.values()) informer?.stop();
    this.#hosts.clear();
  }

  #informer(host: HostName, watched: Watched): SupervisedInformer<V1Pod, Occupant> {
    const { config, now, log, changed } = this.#options;
    const informer = new SupervisedInformer<V1Pod, Occupant>({
      config,
      path: '/api/v1/pods',
      selection: { fieldSelector: `spec.nodeName=${host}` },
      project: (pod) => {
        const instance = instanceOf(pod);
        return instance && { instance, jobUid: jobUidOf(pod) };
      },
      changed: () => {
        watched.snapshot = undefined;
        if (informer.isSynced) changed(host);
      },
      connected: () => changed(host),
      now,
      log,
    });
    return informer;
  }
}

function snapshotOf(occupants: readonly Occupant[]): Snapshot {
  const ofJobs = occupants.filter(({ jobUid }) => jobUid !== undefined);
  const others = occupants.filter(({ jobUid }) => jobUid === undefined);
  return { instances: others.map(({ instance }) => instance), ofJobs };
}
