/**
 * A session that tells projects over real HTTP and takes their answers. It judges answers as the engine does; the clock is
 * the real one, which a test may set forward.
 */
import type { AskedState } from '../../../src/crds/vocabulary.ts';
import { judgeReply } from '../../../src/engine/session/replies.ts';
import type {
  ProjectAnswer,
  ProjectProgress,
  ProjectReply,
} from '../../../src/engine/session/session-state.ts';
import type { AskedQuestion, GivenReply, ReplyPort, Taken } from '../../../src/tenants/reply-port.ts';
import { startReplyServer, type ReplyServer } from '../../../src/gateway/replies.ts';
import { Deliveries } from '../../../src/tenants/deliveries.ts';
import { postOverNetwork } from '../../../src/tenants/post.ts';
import { replyLinks } from '../../../src/tenants/reply-links.ts';
import type { ProjectEvent } from '../../../src/tenants/told.ts';
import type { WebhookTarget } from '../../../src/tenants/webhook-target.ts';
import { eventually } from '../../support/eventually.ts';
import { KEY, SECRET, session } from '../tenants/told-events.ts';

export class ToldSession implements ReplyPort {
  /** How far the clock is set forward, in milliseconds. */
  ahead = 0;
  /** By project. */
  readonly targets = new Map<string, readonly WebhookTarget[]>();
  /** By project: the last question, with its answer. */
  readonly projects = new Map<string, ProjectProgress>();
  readonly refusals: string[] = [];
  /** Why deliveries did not succeed. */
  readonly reasons = new Set<string>();
  events: ProjectEvent[] = [];
  readonly #told: ProjectEvent[] = [];
  #server: ReplyServer | undefined;
  #deliveries: Deliveries | undefined;

  /** @param takesAnswers whether there is a server of answers */
  async start(takesAnswers = true): Promise<void> {
    if (takesAnswers) {
      const server = { host: '127.0.0.1', port: 0, key: KEY, sessions: this, failed: console.error };
      this.#server = await startReplyServer(server);
    }
    this.restart();
  }

  /** What a new process of the operator knows: the events that are stored, and nothing of deliveries. */
  restart(): void {
    this.#deliveries?.close();
    this.#deliveries = new Deliveries({
      ...{ transport: postOverNetwork, now: () => this.now, jitter: () => 0, changed: () => undefined },
      links: this.#server ? replyLinks(this.#server.address, KEY) : undefined,
    });
  }

  async stop(): Promise<void> {
    this.#deliveries?.close();
    await this.#server?.close();
  }

  get now(): number {
    return Date.now() + this.ahead;
  }

  /** The address by which a project answers. */
  linkOf(project: string): string {
    return replyLinks(this.#server?.address ?? '', KEY).ofProject(session.uid, project);
  }

  ask(project: string, state: AskedState, instances: readonly string[], seconds = 60): ProjectEvent {
    const askedAt = new Date(this.now).toISOString();
    const replyBy = new Date(this.now + seconds * 1000).toISOString();
    const allowedActions = state.startsWith('P') ? (['MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION'] as const) : [];
    const event = this.#tell({ project, state, instances, allowedActions, replyBy, actionsAt: replyBy });
    const progress = { id: project, question: Number(event.id), asked: state, askedAt, replyBy, instances };
    this.projects.set(project, progress);
    return event;
  }

  report(project: string, instance: string): void {
    this.#tell({ project, state: 'INSTANCE_ACTION_DONE', instances: [instance], allowedActions: [] });
  }

  /** As after a crash between a delivery and the record of it. */
  tellAgain(event: ProjectEvent): void {
    this.restart();
    this.events = [...this.events, event];
  }

  #tell(fields: Omit<ProjectEvent, 'id' | 'type'>): ProjectEvent {
    const event: ProjectEvent = { id: String(this.#told.length + 1), type: 'project', ...fields };
    this.#told.push(event);
    this.events = [...this.events, event];
    return event;
  }

  /** One pass. */
  step(): void {
    const delivered = this.#deliveries?.deliverEvents(
      session,
      this.events,
      (id) => this.targets.get(id) ?? [],
      this.now,
    );
    if (!delivered) return;
    for (const { delivery } of delivered.results) if ('reason' in delivery) this.reasons.add(delivery.reason);
    for (const reply of delivered.replies) this.#judge(reply);
    this.#deliveries?.taken(
      session.uid,
      delivered.replies.map(({ id }) => id),
    );
    this.events = this.events.filter(({ id }) => !delivered.done.includes(id));
  }

  /** Resolves with the answer of a project to its last question. */
  async answerOf(project: string): Promise<ProjectAnswer> {
    return eventually(
      `${project} answers`,
      () => {
        this.step();
        return this.projects.get(project)?.answer;
      },
      { pauseMilliseconds: 10, describe: () => [this.events, this.refusals, [...this.reasons]] },
    );
  }

  /** Resolves when all events are delivered. */
  async delivered(): Promise<void> {
    await this.until('all is delivered', () => this.events.length === 0);
  }

  async until(what: string, look: () => boolean): Promise<void> {
    const stepped = (): boolean => {
      this.step();
      return look();
    };
    await eventually(what, stepped, {
      pauseMilliseconds: 10,
      describe: () => [...this.reasons, ...this.refusals],
    });
  }

  async questionOf(uid: string, project: string): Promise<AskedQuestion> {
    const asked = this.projects.get(project);
    return uid === session.uid && asked ? { kind: 'asked', instances: asked.instances } : { kind: 'unknown' };
  }

  async take({ session: _uid, ...given }: GivenReply): Promise<Taken> {
    const refusal = this.#judge({ id: 'http', at: this.now, ...given });
    return refusal === undefined ? { kind: 'accepted' } : { kind: 'refused', message: refusal };
  }

  #judge(reply: ProjectReply): string | undefined {
    const project = this.projects.get(reply.project);
    const judged = judgeReply(project, reply, { lateCounts: false });
    if (typeof judged === 'string') {
      this.refusals.push(judged);
      return judged;
    }
    if (project) this.projects.set(reply.project, { ...project, answer: judged });
    return undefined;
  }
}

/** A webhook on loopback, signed with the secret of the tests. */
export function webhookAt(port: number, fields: Partial<WebhookTarget> = {}): WebhookTarget {
  return {
    ...{
      key: `w/${String(port)}`,
      url: `http://127.0.0.1:${String(port)}/maintenance`,
      format: 'CloudEvents',
    },
    ...{ timeoutSeconds: 5, secret: () => Buffer.from(SECRET), ca: undefined },
    bounds: { webhookHosts: ['127.0.0.1'], allowHttp: true },
    ...fields,
  };
}
