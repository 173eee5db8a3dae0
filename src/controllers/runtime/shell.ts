/**
 * The operator shell: @dot-i/k8s-operator's contract (start, init, stop, one
 * event after another to a handler) with all of its I/O replaced.
 *
 * As published (1.3.9) the package ends the process when a watch fails, loses
 * deletions over reconnects and turns a refused status write into null. Every
 * method that calls the API server is therefore overridden here. A test compares
 * the methods of the package with the known list.
 */
import k8sOperator from '@dot-i/k8s-operator';
import type { ResourceEvent, ResourceMeta } from '@dot-i/k8s-operator';
import type {
  KubeConfig,
  KubernetesObject,
  V1CustomResourceDefinitionVersion,
} from '@kubernetes/client-node';
import type { Detail } from '../../kube/client.ts';
import { SupervisedInformer } from '../../kube/informer.ts';
import type { Log } from '../../kube/log.ts';

export type ShellDeps = {
  readonly config: KubeConfig;
  readonly log: Log;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
};

/** The latest object of each key (`keyOf`) that a watch has shown, and the connection that is up. */
export type ObjectWatch = Pick<SupervisedInformer<KubernetesObject, KubernetesObject>, 'get' | 'connection'>;

export abstract class OperatorShell extends k8sOperator.default {
  readonly #deps: ShellDeps;
  readonly #informers: { stop(): void }[] = [];

  constructor(deps: ShellDeps) {
    super();
    this.kubeConfig = deps.config; // the base class has read the default kubeconfig
    this.#deps = deps;
  }

  /**
   * Calls `onEvent` for every object of a kind, now and on every change. Resolves when the first list was delivered.
   * Objects that are delivered as metadata carry neither spec nor status. `follow` gets the watch before it begins.
   */
  protected override async watchResource(
    group: string,
    version: string,
    plural: string,
    onEvent: (event: ResourceEvent) => Promise<void>,
    namespace?: string,
    {
      listAs = 'object',
      changesAs = 'object',
      follow,
    }: {
      readonly listAs?: Detail;
      readonly changesAs?: Detail;
      readonly follow?: (watch: ObjectWatch) => void;
    } = {},
  ): Promise<void> {
    const path = this.getCustomResourceApiUri(group, version, plural, namespace);
    const id = `${plural}.${group ? `${group}/` : ''}${version}`;
    const { config, log, clock } = this.#deps;
    const informer = new SupervisedInformer<KubernetesObject, KubernetesObject>({
      config,
      path,
      listAs,
      changesAs,
      project: listAs === 'metadata' ? identityOf : (object) => object,
      changed: (before, after) => {
        const object = after ?? before;
        if (!object) return;
        const type = after ? k8sOperator.ResourceEventType.Modified : k8sOperator.ResourceEventType.Deleted;
        const event: ResourceEvent = { meta: metaOf(id, object), object, type };
        onEvent(event).catch((error: unknown) =>
          log.warn({ err: error, resource: id }, 'event was not handled'),
        );
      },
      now: clock,
      log,
    });
    this.#informers.push(informer);
    follow?.(informer);
    informer.start();
    await informer.synced;
  }

  /** The path of a collection below the API server's address. */
  protected override getCustomResourceApiUri(
    group: string,
    version: string,
    plural: string,
    namespace?: string,
  ): string {
    const base = group ? `/apis/${group}/${version}` : `/api/${version}`;
    return namespace ? `${base}/namespaces/${namespace}/${plural}` : `${base}/${plural}`;
  }

  /** Ends the watches. Safe to call twice. */
  override stop(): void {
    for (const informer of this.#informers.splice(0)) informer.stop();
  }

  protected override registerCustomResourceDefinition(): Promise<{
    group: string;
    versions: V1CustomResourceDefinitionVersion[];
    plural: string;
  }> {
    return refused('registerCustomResourceDefinition', 'the installer applies deploy/crds');
  }

  protected override setResourceStatus(): Promise<ResourceMeta | null> {
    return refused('setResourceStatus', 'CareenApi writes status, guarded');
  }

  protected override patchResourceStatus(): Promise<ResourceMeta | null> {
    return refused('patchResourceStatus', 'CareenApi writes status, guarded');
  }

  protected override setResourceFinalizers(): Promise<void> {
    return refused('setResourceFinalizers', 'CareenApi writes finalizers, guarded');
  }
}

/** Metadata without its large parts: an annotation may hold the whole manifest, the managed fields name each field. */
function identityOf({ metadata, ...kind }: KubernetesObject): KubernetesObject {
  const { annotations: _annotations, managedFields: _fields, ...identity } = metadata ?? {};
  return { ...kind, metadata: identity };
}

function metaOf(id: string, { apiVersion = '', kind = '', metadata }: KubernetesObject): ResourceMeta {
  const { name = '', namespace, resourceVersion = '' } = metadata ?? {};
  return { id, name, resourceVersion, apiVersion, kind, ...(namespace ? { namespace } : {}) };
}

function refused(method: string, instead: string): Promise<never> {
  return Promise.reject(new Error(`${method} of the operator shell is not used: ${instead}`));
}
