import { CoreV1Api } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { noticeSpec, noticeStatus, type NoticeStatus } from '../../src/crds/maintenance-notice.ts';
import { apply, mergePatch, type Manifest } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import { sessionManifest } from '../support/operator/strategies.ts';
import { closed, Cluster, type Fleet } from './cluster.ts';
import { expectGivenBack } from './given-back.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(async () => cluster.stop());

type Notice = { readonly object: Manifest; readonly status: NoticeStatus };

const noticeList = z.object({
  items: z.array(
    z.looseObject({
      metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
      spec: noticeSpec,
      status: noticeStatus.default({}),
    }),
  ),
});

/** A project: a namespace with pods on hosts of a fleet. */
class Project {
  readonly namespace: string;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  /** Starts pods that may run on any host of a pool. */
  async start(pool: string, replicas: number): Promise<void> {
    const labels = { app: this.namespace };
    await apply(cluster.admin, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: this.namespace } });
    const container = { name: 'app', image: 'registry.example.com/app:1' };
    await apply(cluster.admin, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'app', namespace: this.namespace },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { nodeSelector: { pool }, containers: [container] } },
      },
    });
    await eventually('the pods run', async () => (await this.hosts()).length === replicas);
  }

  /** The hosts of its pods that run. */
  async hosts(): Promise<string[]> {
    const core = cluster.admin.makeApiClient(CoreV1Api);
    const { items } = await core.listNamespacedPod({ namespace: this.namespace });
    const running = items.filter(
      ({ status, metadata }) => status?.phase === 'Running' && !metadata?.deletionTimestamp,
    );
    return running.map(({ spec }) => spec?.nodeName ?? '').toSorted();
  }

  /** Its notice of the only session, with a question that waits for an answer. */
  async question(asks?: string): Promise<Notice> {
    return eventually(`a question to ${this.namespace}`, async () => {
      const notice = await this.notice();
      const isAsked = notice?.status.answer === 'awaited';
      return notice && isAsked && (asks === undefined || notice.status.question?.asks === asks) && notice;
    });
  }

  async notice(): Promise<Notice | undefined> {
    const path = `/apis/careen.dev/v1alpha1/namespaces/${this.namespace}/maintenancenotices`;
    const { items } = noticeList.parse(await cluster.get(path));
    const [first] = items;
    if (!first) return undefined;
    const { metadata, status } = first;
    const object = { apiVersion: 'careen.dev/v1alpha1', kind: 'MaintenanceNotice', metadata };
    return { object, status };
  }

  /** Answers as a person does by `kubectl patch`. */
  async answer({ object, status }: Notice, reply: Record<string, unknown> = {}): Promise<void> {
    const instanceActions =
      (status.question?.allowedActions ?? []).length > 0 ? { '*': 'MIGRATE' } : undefined;
    const given = {
      question: status.question?.number,
      answer: 'ACK',
      ...(instanceActions ? { instanceActions } : {}),
    };
    await mergePatch(cluster.admin, object, { spec: { reply: { ...given, ...reply } } });
  }

  /** Agrees to everything until the session has ended. */
  async agree(until: () => boolean): Promise<void> {
    await eventually('the end of the session', async () => {
      const notice = await this.notice();
      if (notice?.status.answer === 'awaited') await this.answer(notice);
      return until();
    });
  }
}

/** The states of Fenix in which the session was seen, until it ends. */
async function statesUntilEnd(fleet: Fleet): Promise<string[]> {
  const states: string[] = [];
  await fleet.until(
    'the end of the session',
    ({ session }) => {
      const state = session?.state ?? '';
      if (state !== states.at(-1)) states.push(state);
      return state === 'MAINTENANCE_DONE' || state === 'MAINTENANCE_FAILED';
    },
    40,
  );
  return states;
}

describe('a maintenance session', () => {
  it('asks the projects on its hosts, and maintains each host once it is empty', async () => {
    const fleet = (await cluster.fleet('round', 3, 1)).session(sessionManifest('round'));
    const [a, b] = [new Project('round-a'), new Project('round-b')];
    await Promise.all([a.start('round', 2), b.start('round', 1)]);
    await fleet.apply({ execution: { mode: 'Run' } });
    let isOver = false;
    const agreeing = Promise.all([a, b].map((project) => project.agree(() => isOver)));
    const states = await statesUntilEnd(fleet);
    isOver = true;
    await agreeing;
    expect(states.at(-1)).toBe('MAINTENANCE_DONE');
    expect(states).toContain('PLANNED_MAINTENANCE');
    const status = await fleet.untilState('applied');
    expect(status).toMatchObject({ completionPercentage: 100, session: { maintained: '3/3', closed: [] } });
    expect(closed(await fleet.nodes())).toEqual([]);
    await expectGivenBack(fleet);
  });
});
