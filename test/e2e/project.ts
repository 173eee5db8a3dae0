/** A project on the hosts of a fleet: a namespace with pods, that is told of sessions, and answers. */
import { AppsV1Api, CoreV1Api, type KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { noticeSpec, noticeStatus, type NoticeStatus } from '../../src/crds/maintenance-notice.ts';
import { call } from '../../src/kube/client.ts';
import { apply, mergePatch, type Manifest } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';

export type Agreement = {
  /** How its instances move, where that is asked. */
  readonly actions?: Readonly<Record<string, string>>;
  /** Does something before an answer, such as to give up pods. */
  readonly first?: (asks: string | undefined) => Promise<void>;
};

export type Notice = { readonly object: Manifest; readonly status: NoticeStatus };

const noticeList = z.object({
  items: z.array(
    z.looseObject({
      metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
      spec: noticeSpec,
      status: noticeStatus.default({}),
    }),
  ),
});

const SECONDS = 40;
/** Whoever waits for the end of a whole session has a shorter limit, and says more. */
const LONGEST_SESSION_SECONDS = 180;

export class Project {
  readonly namespace: string;
  readonly #admin: KubeConfig;

  constructor(admin: KubeConfig, namespace: string) {
    this.#admin = admin;
    this.namespace = namespace;
  }

  /** Starts pods that may run on any host of a pool, each with so many CPUs, and waits until they run. */
  async start(pool: string, replicas: number, cpu = '1'): Promise<void> {
    const labels = { app: this.namespace };
    const container = {
      ...{ name: 'app', image: 'registry.example.com/app:1' },
      resources: { requests: { cpu } },
    };
    await apply(
      this.#admin,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: this.namespace } },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'app', namespace: this.namespace },
        spec: {
          replicas,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { nodeSelector: { pool }, containers: [container] } },
        },
      },
    );
    await this.untilRunning(replicas);
  }

  async untilRunning(replicas: number): Promise<void> {
    await eventually('the pods run', async () => (await this.hosts()).length === replicas, {
      seconds: SECONDS,
    });
  }

  /** Gives up pods: so many stay. */
  async scale(replicas: number): Promise<void> {
    const apps = this.#admin.makeApiClient(AppsV1Api);
    const body = [{ op: 'replace', path: '/spec/replicas', value: replicas }];
    await apps.patchNamespacedDeployment({ name: 'app', namespace: this.namespace, body });
    await this.untilRunning(replicas);
  }

  /** The hosts of its pods that run. */
  async hosts(): Promise<string[]> {
    const core = this.#admin.makeApiClient(CoreV1Api);
    const { items } = await core.listNamespacedPod({ namespace: this.namespace });
    const running = items.filter(
      ({ status, metadata }) => status?.phase === 'Running' && !metadata?.deletionTimestamp,
    );
    return running.map(({ spec }) => spec?.nodeName ?? '').toSorted();
  }

  /** Its notices, one of each session. */
  async notices(): Promise<readonly Notice[]> {
    const path = `/apis/careen.dev/v1alpha1/namespaces/${this.namespace}/maintenancenotices`;
    const { items } = noticeList.parse(await call(this.#admin, { method: 'GET', path }));
    const kind = { apiVersion: 'careen.dev/v1alpha1', kind: 'MaintenanceNotice' };
    return items.map(({ metadata, status }) => ({ object: { ...kind, metadata }, status }));
  }

  /** Its notice of the only session; undefined while there is none. */
  async notice(): Promise<Notice | undefined> {
    return (await this.notices())[0];
  }

  /** Waits until its notice fits. */
  async until(what: string, fits: (status: NoticeStatus) => boolean): Promise<Notice> {
    return eventually(
      `${this.namespace}: ${what}`,
      async () => {
        const notice = await this.notice();
        return notice && fits(notice.status) && notice;
      },
      { seconds: SECONDS },
    );
  }

  /** Waits for a question that has no answer. */
  async question(asks: string): Promise<Notice> {
    return this.until(`a question about ${asks}`, (status) => {
      return status.answer === 'awaited' && status.question?.asks === asks;
    });
  }

  /**
   * Answers as a person does by `kubectl patch`: it agrees, unless `reply` says otherwise.
   * @param actions how its instances move, where that is asked
   */
  async answer(
    { object, status }: Notice,
    reply: Record<string, unknown> = {},
    actions: Readonly<Record<string, string>> = { '*': 'MIGRATE' },
  ): Promise<void> {
    const { number, allowedActions = [] } = status.question ?? {};
    const instanceActions = allowedActions.length > 0 ? { instanceActions: actions } : {};
    await mergePatch(this.#admin, object, {
      spec: { reply: { question: number, answer: 'ACK', ...instanceActions, ...reply } },
    });
  }

  /** Agrees to every question of every session while something else goes on, and resolves with what that resolves with. */
  async agreeWhile<T>(
    run: () => Promise<T>,
    { actions, first = () => Promise.resolve() }: Agreement = {},
  ): Promise<T> {
    const answered = new Set<string>();
    let isOver = false;
    const agreeing = eventually(
      `${this.namespace}: the end of the session`,
      async () => {
        for (const notice of await this.notices()) {
          const { number, asks } = notice.status.question ?? {};
          const question = `${notice.object.metadata.name}/${String(number)}`;
          if (notice.status.answer !== 'awaited' || answered.has(question)) continue;
          answered.add(question);
          await first(asks);
          await this.answer(notice, {}, actions);
        }
        return isOver;
      },
      { seconds: LONGEST_SESSION_SECONDS },
    );
    agreeing.catch(() => undefined); // awaited below, when the other has ended
    let result: T;
    try {
      result = await run();
    } finally {
      isOver = true;
    }
    await agreeing;
    return result;
  }
}
