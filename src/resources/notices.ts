/** Reads, watches and writes the MaintenanceNotices: one in the namespace of each project that a session has told. */
import type { KubernetesObject } from '@kubernetes/client-node';
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { noticeSpec, noticeStatus, type Notice, type NoticeStatus } from '../crds/maintenance-notice.ts';
import { API_VERSION, MAINTENANCE_NOTICE, PROJECT_LABEL, SESSION_UID_LABEL } from '../crds/names.ts';
import { call, FIELD_MANAGER } from '../kube/client.ts';
import { httpStatus } from '../kube/errors.ts';
import { WatchedObjects, type WatchOptions } from './watched-objects.ts';

const PLURAL = 'maintenancenotices';
const QUERY = { fieldManager: FIELD_MANAGER, fieldValidation: 'Strict' } as const;
/** How much of the name of a session the name of a notice has. */
const NAME_LENGTH = 200;

/** A notice with what guards its writes. */
export type StoredNotice = Notice & {
  readonly uid: string;
  readonly resourceVersion: string;
  /** The uid of its session, by its label. A tenant may write that, so it finds notices and proves nothing. */
  readonly session: string;
};

/** The session of a notice. */
export type NoticedSession = { readonly uid: string; readonly name: string };

const stored = z
  .looseObject({
    metadata: z.object({
      ...{ name: z.string(), namespace: z.string(), uid: z.string(), resourceVersion: z.string() },
      generation: z.int(),
      labels: z.record(z.string(), z.string()).default({}),
    }),
    spec: noticeSpec.catch({}),
    status: noticeStatus.catch({}).default({}),
  })
  .transform(({ metadata, spec, status }): StoredNotice => {
    const { labels, ...identity } = metadata;
    return { ...identity, spec, status, session: labels[SESSION_UID_LABEL] ?? '' };
  });

export class Notices {
  /** Called with the uid of a session when one of its notices has changed, other than by its status. */
  changed: (session: string) => void = () => undefined;
  readonly #config: WatchOptions['config'];
  readonly #watched: WatchedObjects<StoredNotice>;

  constructor({ config, log, clock }: WatchOptions) {
    this.#config = config;
    this.#watched = new WatchedObjects({
      ...{ config, log, clock, path: `/apis/${API_VERSION}/${PLURAL}`, schema: stored },
      changed: (before, after) => {
        const { session = '' } = after ?? before ?? {};
        if (session !== '' && before?.generation !== after?.generation) this.changed(session);
      },
    });
  }

  start(): void {
    this.#watched.start();
  }

  stop(): void {
    this.#watched.stop();
  }

  /** Resolves once the notices are known. Throws when they cannot be read. */
  async known(): Promise<void> {
    await this.#watched.known();
  }

  /** The notice of a project in its namespace. One of another name is none of ours, whatever its labels say. */
  find(namespace: string, session: NoticedSession, project: string): StoredNotice | undefined {
    return this.#watched.get(namespace, noticeName(session, project));
  }

  /** The notices with the label of a session. */
  of({ uid }: Pick<NoticedSession, 'uid'>): readonly StoredNotice[] {
    return this.#watched.all.filter(({ session }) => session === uid);
  }

  /** All notices that the watch has shown so far. */
  get all(): readonly StoredNotice[] {
    return this.#watched.all;
  }

  /** Makes the notice of a project, unless it is there. Throws when its namespace does not exist. */
  async create(namespace: string, session: NoticedSession, project: string): Promise<StoredNotice> {
    const name = noticeName(session, project);
    const body = {
      apiVersion: API_VERSION,
      kind: MAINTENANCE_NOTICE,
      metadata: {
        ...{ name, namespace },
        labels: { [SESSION_UID_LABEL]: session.uid, [PROJECT_LABEL]: project.slice(0, 63) },
      },
      spec: {},
    };
    try {
      return this.#keep(await this.#call('POST', pathOf(namespace), body));
    } catch (error) {
      if (httpStatus(error) !== 409) throw error;
      return this.#keep(
        await call<KubernetesObject>(this.#config, { method: 'GET', path: `${pathOf(namespace)}/${name}` }),
      );
    }
  }

  /**
   * Replaces the status of a notice, where it differs. Resolves with whether the notice has that status now, or is gone:
   * one that was changed meanwhile stays as it is.
   */
  async write(notice: StoredNotice, status: NoticeStatus): Promise<boolean> {
    if (isDeepStrictEqual(notice.status, status)) return true;
    const { namespace, name, uid, resourceVersion } = notice;
    const gone = Object.keys(notice.status).filter((field) => !(field in status));
    const body = {
      metadata: { uid, resourceVersion },
      status: { ...Object.fromEntries(gone.map((field) => [field, null])), ...status },
    };
    try {
      this.#keep(await this.#call('PATCH', `${pathOf(namespace)}/${name}/status`, body));
    } catch (error) {
      const code = httpStatus(error);
      if (code !== 404 && code !== 409) throw error;
      return code === 404;
    }
    return true;
  }

  /** Deletes a notice, unless that has happened. Throws when it was changed meanwhile. */
  async remove({ namespace, name, uid }: StoredNotice): Promise<void> {
    const body = { preconditions: { uid } };
    try {
      await call(this.#config, {
        ...{ method: 'DELETE', path: `${pathOf(namespace)}/${name}`, body, as: 'metadata' },
      });
    } catch (error) {
      if (httpStatus(error) !== 404) throw error;
    }
  }

  async #call(method: 'POST' | 'PATCH', path: string, body: object): Promise<KubernetesObject> {
    return call<KubernetesObject>(this.#config, { method, path, query: QUERY, body });
  }

  #keep(object: KubernetesObject): StoredNotice {
    this.#watched.keep(object);
    return stored.parse(object);
  }
}

/** The name of the notice of a project, which may be longer than a name. */
function noticeName({ uid, name }: NoticedSession, project: string): string {
  const digest = createHash('sha256').update(`${uid}/${project}`).digest('hex').slice(0, 10);
  return `${name.slice(0, NAME_LENGTH).replace(/[^a-z0-9]+$/, '')}-${digest}`;
}

function pathOf(namespace: string): string {
  return `/apis/${API_VERSION}/namespaces/${namespace}/${PLURAL}`;
}
