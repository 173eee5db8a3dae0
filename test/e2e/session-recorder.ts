/** Records what happens in a session on a real control plane, in the order of the writes in its store. */
import { Watch, type KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import type { TraceEvent } from '../../src/cli/vectors/sessions/trace.ts';
import { sessionIn } from '../../src/status/stored/session-codec.ts';
import type { SessionEvent } from '../../src/engine/session/session-state.ts';
import { noticeSpec, noticeStatus } from '../../src/crds/maintenance-notice.ts';
import { list, type Manifest } from '../support/controlplane/apply.ts';
import { strategyStatusOf } from './cluster.ts';

/** The label of a pod that names the recorded instance which it stands for. */
export const INSTANCE = 'instance';

const anyObject = z.looseObject({
  metadata: z.looseObject({
    ...{ name: z.string(), uid: z.string(), resourceVersion: z.string() },
    labels: z.record(z.string(), z.string()).default({}),
  }),
  spec: z
    .looseObject({ nodeName: z.string().optional(), unschedulable: z.boolean().default(false) })
    .default({ unschedulable: false }),
});
type AnyObject = z.infer<typeof anyObject>;

export type RecorderOptions = {
  readonly admin: KubeConfig;
  readonly session: Manifest;
  readonly hosts: readonly string[];
  /** By namespace: the project as the recording names it. */
  readonly projects: ReadonlyMap<string, string>;
  /** The host as the recording names it. */
  readonly nameOf: (host: string) => string;
  /** Whether the owner of an instance has removed it. */
  readonly wasRemoved: (instance: string) => boolean;
};

export class SessionRecorder {
  readonly #options: RecorderOptions;
  readonly #events: { readonly revision: number; readonly event: TraceEvent }[] = [];
  readonly #watches: AbortController[] = [];
  /** The numbers of the events that were seen already: each is stored until it is delivered. */
  readonly #told = new Set<string>();
  /** By uid. */
  readonly #instances = new Map<string, string>();
  readonly #closed = new Set<string>();
  readonly #answered = new Set<string>();

  private constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Begins to record; the hosts are open, and nobody is asked anything yet. */
  static async start(options: RecorderOptions): Promise<SessionRecorder> {
    const recorder = new SessionRecorder(options);
    const { admin, session, projects } = options;
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'any' } };
    await recorder.#follow(admin, session, (_, object) => recorder.#session(object));
    await recorder.#follow(admin, node, (type, object) => recorder.#host(type, anyObject.parse(object)));
    for (const namespace of projects.keys()) {
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'any', namespace } };
      const notice = { ...pod, apiVersion: session.apiVersion, kind: 'MaintenanceNotice' };
      await recorder.#follow(admin, pod, (type, object) => recorder.#pod(type, anyObject.parse(object)));
      await recorder.#follow(admin, notice, (_, object) => recorder.#notice(namespace, object));
    }
    return recorder;
  }

  stop(): void {
    for (const watch of this.#watches) watch.abort();
  }

  /** What has happened so far. */
  get trace(): readonly TraceEvent[] {
    const sorted = this.#events.toSorted((a, b) => a.revision - b.revision);
    return sorted.map(({ event }) => event);
  }

  async #follow(
    admin: KubeConfig,
    target: Manifest,
    heard: (type: string, object: unknown) => void,
  ): Promise<void> {
    const { path, resourceVersion, items } = await list(admin, target, '');
    for (const item of items) heard('ADDED', item);
    const watch = await new Watch(admin).watch(
      path,
      { resourceVersion },
      (type: string, object: unknown) => {
        if (type !== 'ERROR' && type !== 'BOOKMARK') heard(type, object);
      },
      () => undefined,
    );
    this.#watches.push(watch);
  }

  #session(object: unknown): void {
    const { metadata } = anyObject.parse(object);
    const { session } = strategyStatusOf(object);
    if (metadata.name !== this.#options.session.metadata.name || !session) return;
    for (const event of sessionIn(session).events) {
      if (this.#told.has(event.id)) continue;
      this.#told.add(event.id);
      this.#add(metadata, this.#eventOf(event));
    }
  }

  #eventOf(event: SessionEvent): TraceEvent {
    switch (event.type) {
      case 'session':
        return { kind: 'state', state: event.state };
      case 'host':
        return { kind: 'told-of-host', host: this.#options.nameOf(event.host), state: event.state };
      case 'project': {
        const project = this.#options.projects.get(event.project) ?? event.project;
        const { state, allowedActions, instances } = event;
        if (state !== 'INSTANCE_ACTION_DONE') return { kind: 'asked', project, state, allowedActions };
        return { kind: 'instance-done', project, instance: this.#instances.get(instances[0] ?? '') ?? '' };
      }
    }
  }

  #host(type: string, { metadata, spec: { unschedulable } }: AnyObject): void {
    const { name } = metadata;
    const { hosts, nameOf } = this.#options;
    if (type === 'DELETED' || !hosts.includes(name) || this.#closed.has(name) === unschedulable) return;
    if (unschedulable) this.#closed.add(name);
    else this.#closed.delete(name);
    this.#add(metadata, { kind: 'host', host: nameOf(name), schedulable: !unschedulable });
  }

  #pod(type: string, { metadata, spec: { nodeName = '' } }: AnyObject): void {
    const instance = metadata.labels[INSTANCE] ?? '';
    const { nameOf, wasRemoved } = this.#options;
    this.#instances.set(metadata.uid, instance);
    if (type !== 'DELETED') return;
    this.#add(
      metadata,
      wasRemoved(instance)
        ? { kind: 'removed', instance, at: Number(metadata.resourceVersion) }
        : { kind: 'move', instance, source: nameOf(nodeName) },
    );
  }

  #notice(namespace: string, object: unknown): void {
    const { metadata } = anyObject.parse(object);
    const { spec, status } = z
      .looseObject({ spec: noticeSpec, status: noticeStatus.default({}) })
      .parse(object);
    const { reply } = spec;
    if (!reply || status.question?.number !== reply.question) return;
    const key = `${metadata.uid}/${String(reply.question)}`;
    if (this.#answered.has(key)) return;
    this.#answered.add(key);
    const actions = Object.values(reply.instanceActions ?? {});
    const state = `${reply.answer}_${status.question.asks}`;
    const project = this.#options.projects.get(namespace) ?? namespace;
    this.#add(metadata, { kind: 'answered', project, state, actions });
  }

  #add({ resourceVersion }: { readonly resourceVersion: string }, event: TraceEvent): void {
    this.#events.push({ revision: Number(resourceVersion), event });
  }
}
