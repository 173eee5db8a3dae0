/**
 * Delivers the events of sessions to the webhooks of their projects: each at least once, and to each webhook in order. It
 * remembers attempts and results, but nothing that must not be lost: events stay in the stored run until they are done
 * here, and a new process sends those again. Receivers know a repetition by its id.
 */
import type { ProjectReply, SessionEvent } from '../engine/session/session-state.ts';
import { deliver, type Delivery, type DeliveryMeans } from './deliver.ts';
import type { ProjectEvent, ToldSession } from './told.ts';
import type { WebhookTarget } from './webhook-target.ts';

/** An answer that came with a response. */
export type WebhookReply = ProjectReply & {
  /** The key of the target that has given it. */
  readonly target: string;
};

/** What became of an attempt, or of an event that was given up. */
export type TargetResult = {
  /** Of the target. */
  readonly key: string;
  readonly at: number;
  readonly delivery: Delivery;
};

export type Delivered = {
  /** The ids of events for projects that need not be sent any more: they may leave the stored run. */
  readonly done: readonly string[];
  /**
   * The answers that came with responses. Each is in the result of every call until its event has left `events`, or
   * `taken` was called with its id, so that it is not lost when the caller cannot store what it decides.
   */
  readonly replies: readonly WebhookReply[];
  /** The last result of each target that has one. */
  readonly results: readonly TargetResult[];
  /** When to call again, Unix time in milliseconds; undefined: nothing waits. `changed` is called when an attempt ends. */
  readonly wakeAt?: number;
};

export type DeliveriesOptions = DeliveryMeans & {
  /** Called with the uid of a session when an attempt for it has ended. */
  readonly changed: (session: string) => void;
};

/** A report that nobody has to answer is given up after this time: later events wait behind it. */
const LONGEST_WITHOUT_DEADLINE_MS = 600_000;
/** So many attempts of all sessions at once. */
const MOST_ATTEMPTS = 64;
const RETRY_FULL_MS = 1_000;

export class Deliveries {
  readonly #options: DeliveriesOptions;
  /** By the uid of the session, then by the key of the target. */
  readonly #sessions = new Map<string, Map<string, Lane>>();
  readonly #stopping = new AbortController();
  #attempts = 0;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /**
   * Begins the attempts that are due, waits for none of them, and returns what is known. Safe to call any number of times.
   *
   * @param events what the stored run of the session has to tell; only those of type `project` are delivered here
   * @param targetsOf the webhooks of a project; an event for a project without any is done
   */
  deliverEvents(
    session: ToldSession,
    events: readonly SessionEvent[],
    targetsOf: (project: string) => readonly WebhookTarget[],
    now: number,
  ): Delivered {
    const forProjects = events.filter((event): event is ProjectEvent => event.type === 'project');
    const targets = new Map(
      [...new Set(forProjects.map(({ project }) => project))].map((id) => [id, targetsOf(id)]),
    );
    const lanes = this.#lanesOf(session.uid, [...targets.values()].flat(), forProjects);
    const wakes: number[] = [];
    for (const [project, itsTargets] of targets) {
      const its = forProjects.filter((event) => event.project === project);
      for (const target of itsTargets) {
        const wake = this.#advance(session, its, target, laneIn(lanes, target), now);
        if (wake !== undefined) wakes.push(wake);
      }
    }
    const isDone = ({ id, project }: ProjectEvent): boolean =>
      (targets.get(project) ?? []).every(({ key }) => lanes.get(key)?.settled.has(id));
    return {
      done: forProjects.filter(isDone).map(({ id }) => id),
      replies: [...lanes.values()].flatMap(({ replies }) => replies),
      results: [...lanes.values()].flatMap(({ result }) => result ?? []),
      ...(wakes.length > 0 ? { wakeAt: Math.min(...wakes) } : {}),
    };
  }

  /** The verdicts on these answers are stored: they are not returned again. Returns those that came with responses. */
  taken(session: string, replies: readonly string[]): readonly WebhookReply[] {
    const found: WebhookReply[] = [];
    for (const lane of this.#sessions.get(session)?.values() ?? []) {
      found.push(...lane.replies.filter(({ id }) => replies.includes(id)));
      lane.replies = lane.replies.filter(({ id }) => !replies.includes(id));
    }
    return found;
  }

  /** Forgets a session that is over, or deleted. */
  forget(session: string): void {
    this.#sessions.delete(session);
  }

  /** Ends all attempts. Safe to call twice. */
  close(): void {
    this.#stopping.abort(new Error('the operator stops'));
  }

  /** The lanes of a session, without those of targets and events that are gone. */
  #lanesOf(
    session: string,
    targets: readonly WebhookTarget[],
    events: readonly ProjectEvent[],
  ): Map<string, Lane> {
    const keys = new Set(targets.map(({ key }) => key));
    const ids = new Set(events.map(({ id }) => id));
    const lanes = this.#sessions.get(session) ?? new Map<string, Lane>();
    for (const [key, lane] of lanes) {
      if (!keys.has(key) && lane.sending === undefined) lanes.delete(key);
      else lane.keep(ids);
    }
    this.#sessions.set(session, lanes);
    return lanes;
  }

  /** Begins the next attempt of a lane, when it is due. Returns when it is due otherwise. */
  #advance(
    session: ToldSession,
    events: readonly ProjectEvent[],
    target: WebhookTarget,
    lane: Lane,
    now: number,
  ): number | undefined {
    for (const event of events) {
      if (lane.settled.has(event.id)) continue;
      if (lane.sending !== undefined) return undefined;
      const until = lane.deadlineOf(event, now);
      if (now >= until) {
        lane.giveUp(event, target.key, now);
        continue;
      }
      if (now < lane.nextAt) return Math.min(lane.nextAt, until);
      if (this.#attempts >= MOST_ATTEMPTS) return now + RETRY_FULL_MS;
      void this.#attempt(session, event, target, lane);
      return undefined;
    }
    return undefined;
  }

  async #attempt(
    session: ToldSession,
    event: ProjectEvent,
    target: WebhookTarget,
    lane: Lane,
  ): Promise<void> {
    const { now, changed } = this.#options;
    const firstAt = lane.firstAt.get(event.id) ?? now();
    lane.firstAt.set(event.id, firstAt);
    const { failures } = lane;
    lane.sending = event.id;
    this.#attempts += 1;
    try {
      const sending = { event, session, target, firstAt, failures };
      const delivery = await deliver(this.#options, sending, this.#stopping.signal);
      lane.record(event, delivery, { key: target.key, at: now() });
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      const reason = error instanceof Error ? error.name : 'error';
      const delivery = { kind: 'refused', reason: `it could not be sent: ${reason}` } as const;
      lane.record(event, delivery, { key: target.key, at: now() });
    } finally {
      lane.sending = undefined;
      this.#attempts -= 1;
    }
    changed(session.uid);
  }
}

function laneIn(lanes: Map<string, Lane>, { key }: WebhookTarget): Lane {
  const lane = lanes.get(key) ?? new Lane();
  lanes.set(key, lane);
  return lane;
}

/** What is known of the events of one session at one target. */
class Lane {
  /** The ids of events that are delivered, refused or given up. */
  readonly settled = new Set<string>();
  replies: WebhookReply[] = [];
  readonly firstAt = new Map<string, number>();
  /** The event that is on its way. */
  sending: string | undefined;
  failures = 0;
  nextAt = 0;
  result: TargetResult | undefined;

  keep(ids: ReadonlySet<string>): void {
    for (const id of [...this.settled, ...this.firstAt.keys()]) {
      if (ids.has(id)) continue;
      this.settled.delete(id);
      this.firstAt.delete(id);
    }
    this.replies = this.replies.filter(({ question }) => ids.has(String(question)));
  }

  /** A question is not sent after its answer was due. */
  deadlineOf({ id, replyBy }: ProjectEvent, now: number): number {
    if (replyBy !== undefined) return Date.parse(replyBy);
    const firstAt = this.firstAt.get(id) ?? now;
    this.firstAt.set(id, firstAt);
    return firstAt + LONGEST_WITHOUT_DEADLINE_MS;
  }

  giveUp({ id, state }: ProjectEvent, key: string, at: number): void {
    this.settled.add(id);
    const before = this.result?.delivery;
    const last = before && 'reason' in before ? `; the last attempt: ${before.reason}` : '';
    const reason = `${state} was not delivered in its time${last}`;
    this.result = { key, at, delivery: { kind: 'refused', reason } };
  }

  record(event: ProjectEvent, delivery: Delivery, { key, at }: Pick<TargetResult, 'key' | 'at'>): void {
    this.result = { key, at, delivery };
    if (delivery.kind === 'later') {
      this.failures += 1;
      this.nextAt = delivery.at;
      return;
    }
    this.failures = 0;
    this.nextAt = 0;
    this.settled.add(event.id);
    if (delivery.kind === 'delivered' && delivery.answer)
      this.replies.push(replyTo(event, delivery.answer, key, at));
  }
}

function replyTo(
  { id, project, instance }: ProjectEvent,
  { state, instanceActions }: NonNullable<Extract<Delivery, { kind: 'delivered' }>['answer']>,
  target: string,
  at: number,
): WebhookReply {
  return {
    ...{ id: `webhook/${target}/${id}`, target, project, question: Number(id), at, state },
    ...(instanceActions ? { instanceActions } : {}),
    ...(instance === undefined ? {} : { instance }),
  };
}
