/**
 * The talk of a session with its projects. A pass hears their answers before it decides, and tells them once the decision
 * is stored. Both follow from the stored run, so a process that dies in between has lost nothing.
 */
import type { Constraints } from '../../engine/session/constraints/constraints.ts';
import { isRepeated } from '../../engine/session/repeated-answers.ts';
import type {
  ProjectReply,
  ReplyExtension,
  ReplyVerdict,
  SessionProgress,
} from '../../engine/session/session-state.ts';
import type { HostPool } from '../../resources/careen-api.ts';
import type { ConstraintWatch } from '../../resources/constraint-objects.ts';
import type { Notices, StoredNotice } from '../../resources/notices.ts';
import { ownerOf } from '../../resources/stored-strategy.ts';
import { saidIn, verdictOn } from '../../status/notices/notice-replies.ts';
import { instancesByProject, noticeOf, toldProjects } from '../../status/notices/notices.ts';
import { namespaceOfProject } from '../../status/notices/tenant-namespace.ts';
import { sessionEventDrafts } from '../../status/shown/session-events.ts';
import type { RunState } from '../../engine/run/run-state.ts';
import type { Decision } from '../../engine/turn.ts';
import { explain } from '../../kube/errors.ts';
import { eachOf } from '../../kube/each-of.ts';
import { ownerEvent } from '../runtime/events.ts';
import type { ReconcileResult } from '../runtime/reconcile-result.ts';
import type { ReconcilerDeps } from '../runtime/reconciler-deps.ts';
import type { PassWithRun } from '../strategy/strategy-pass.ts';
import { ReplyDesk } from './reply-desk.ts';
import { constraintsOf } from './session-constraints.ts';
import { undelivered, type Webhooks } from './webhooks.ts';

const WRITES_AT_ONCE = 8;
/** The watch shows the change by then. */
const WRITE_AGAIN_MS = 1_000;

export type TenantsDeps = Pick<ReconcilerDeps, 'events' | 'log' | 'clock'> & {
  readonly notices: Notices;
  readonly constraints: ConstraintWatch;
  readonly webhooks: Webhooks;
};

/** What was heard since the last pass, for the next decision. */
export type Heard = {
  /** The run without the events that were delivered. */
  readonly run: RunState;
  readonly replies: readonly ProjectReply[];
  readonly extensions: readonly ReplyExtension[];
  /** When a delivery is due again. */
  readonly wakeAt?: number | undefined;
  readonly constraints?: Constraints | undefined;
  readonly listeners?: Pick<ReadonlySet<string>, 'has'> | undefined;
  /** By project: the notice as it was then. */
  readonly notices: ReadonlyMap<string, StoredNotice>;
  /** What became of answers that need no decision. */
  readonly verdicts: readonly ReplyVerdict[];
};

export class Tenants {
  readonly #deps: TenantsDeps;
  /** The answers that come by HTTP. */
  readonly desk: ReplyDesk;
  /** By the uid of a session: its key in the queue, and the session as it was stored last. */
  readonly #known = new Map<string, { readonly key: string; readonly session: SessionProgress }>();
  /** The keys of the sessions with a notice that was edited since its last pass. */
  readonly #edited = new Set<string>();
  readonly #changed: (key: string) => void;

  /** @param changed called with the key of a session when one of its projects has said something */
  constructor(deps: TenantsDeps, changed: (key: string) => void) {
    this.#deps = deps;
    this.#changed = changed;
    this.desk = new ReplyDesk(
      deps.clock,
      (session) => this.wake(session),
      (session) => this.#known.get(session)?.session,
    );
    deps.notices.changed = (session) => {
      const known = this.#known.get(session);
      if (known) this.#edited.add(known.key);
      this.wake(session);
    };
    const wakeAll = (): void => {
      for (const session of this.#known.keys()) this.wake(session);
    };
    deps.constraints.changed = wakeAll;
    deps.webhooks.changed(wakeAll);
  }

  /** Whether a project has said something in its notice that no pass has heard. Also a session at rest tells it what is right. */
  hasNews(key: string): boolean {
    return this.#edited.has(key);
  }

  /** There is news for the session with this uid. */
  wake(session: string): void {
    const known = this.#known.get(session);
    if (known) this.#changed(known.key);
  }

  /** Delivers what the run has to tell, and collects the answers of its projects. */
  async hear({ key, strategy, stored, pool, attachment }: PassWithRun): Promise<Heard> {
    const { notices, events, clock } = this.#deps;
    const { run, plan } = stored;
    const { session } = run;
    if (!session || !pool) return { run, replies: [], extensions: [], notices: new Map(), verdicts: [] };
    const { uid } = strategy.metadata;
    this.#known.set(uid, { key, session });
    this.#edited.delete(key);
    await notices.known();
    for (const draft of session.events.flatMap(sessionEventDrafts))
      events.record(ownerEvent(ownerOf(strategy), draft));
    const now = clock();
    const known = new Map(
      toldProjects(session).flatMap((project) => {
        const notice = this.#find(pool, strategy.metadata, project);
        return notice ? [[project, notice] as const] : [];
      }),
    );
    const said = [...known].map(([project, notice]) => saidIn(session, project, notice, now));
    const terms = plan.actions.session;
    const about = { ...strategy.metadata, metadata: terms?.metadata ?? {} };
    const { done, replies: all, wakeAt } = await this.#deps.webhooks.deliver(about, session, pool.spec);
    const replies = this.#withoutRepeated(session, uid, all);
    return {
      run: withoutDelivered(run, session, done),
      replies: [...said.flatMap((each) => each.replies), ...replies, ...this.desk.repliesFor(uid)],
      wakeAt,
      extensions: said.flatMap(({ extensions }) => extensions),
      listeners: { has: (project) => namespaceOfProject(pool.spec, project) !== undefined },
      notices: known,
      verdicts: said.flatMap(({ verdict }) => verdict ?? []),
      constraints: await constraintsOf(this.#deps.constraints, session, {
        ...{ workflow: terms?.workflow ?? '', pool: pool.spec, view: attachment.view() },
      }),
    };
  }

  /**
   * The decision is stored: those who answered by HTTP get its verdicts. Not later, since the effects may fail, and the
   * next pass would judge the answers again and refuse them as given already.
   */
  settle(
    { key, strategy: { metadata }, stored }: PassWithRun,
    { run, replies }: Pick<Decision, 'run' | 'replies'>,
  ): void {
    const { session } = run;
    if (!session) return;
    this.#known.set(metadata.uid, { key, session });
    this.desk.settle(metadata.uid, replies);
    if (this.#deps.webhooks.taken(metadata.uid, replies)) this.wake(metadata.uid);
    // A session that waits for a member of the same group may go on.
    const { questions = [] } = stored.run.session ?? {};
    const awaited = new Set(session.questions.map(({ instance }) => instance));
    if (questions.some(({ instance }) => !awaited.has(instance)))
      for (const other of this.#known.keys()) if (other !== metadata.uid) this.wake(other);
  }

  /** A receiver that is told twice answers twice: its second answer is none to be refused. */
  #withoutRepeated(
    session: SessionProgress,
    uid: string,
    replies: readonly ProjectReply[],
  ): readonly ProjectReply[] {
    const repeated = replies.filter((reply) => isRepeated(session, reply));
    const verdicts = repeated.map(({ id }) => ({ id, answer: 'accepted', message: '' }) as const);
    if (verdicts.length > 0) this.#deps.webhooks.taken(uid, verdicts);
    return replies.filter((reply) => !repeated.includes(reply));
  }

  /**
   * Shows each project where the session stands, and what became of its answer. The result says when to try again: a
   * notice that was changed meanwhile is not written.
   */
  async tell(
    pass: PassWithRun,
    { notices, verdicts }: Pick<Heard, 'notices' | 'verdicts'>,
    { run, replies }: Pick<Decision, 'run' | 'replies'>,
  ): Promise<ReconcileResult> {
    const { strategy, stored, pool, attachment } = pass;
    const { session } = run;
    const terms = stored.plan.actions.session;
    if (!session || !terms || !pool) return {};
    const { namespace, name } = strategy.metadata;
    const instances = instancesByProject(session, attachment.view());
    const input = { session, terms, owner: { namespace, name }, instances };
    const now = this.#deps.clock();
    const at = new Date(now).toISOString();
    const unwritten: string[] = [];
    await eachOf(toldProjects(session), WRITES_AT_ONCE, async (project) => {
      const notice = await this.#notice(pass, pool, project);
      if (!notice) return;
      // The decision rests on the notice as it was heard: a later answer is for the next pass.
      const then = notices.get(project) ?? { ...notice, generation: 1, spec: {} };
      const verdict = verdictOn(then, [...replies, ...verdicts]);
      const told = { heard: then.generation, verdict, at };
      const status = noticeOf(input, project, { ...notice, spec: then.spec }, told);
      if (!(await this.#deps.notices.write(notice, status))) unwritten.push(project);
    });
    return unwritten.length === 0 ? {} : { requeueAt: now + WRITE_AGAIN_MS };
  }

  /** Removes the notices of a session that is deleted. */
  async forget({ uid }: { readonly uid: string }): Promise<void> {
    const { notices, webhooks } = this.#deps;
    this.#edited.delete(this.#known.get(uid)?.key ?? '');
    this.#known.delete(uid);
    webhooks.forget(uid);
    await notices.known();
    await eachOf(notices.of({ uid }), WRITES_AT_ONCE, (notice) => notices.remove(notice));
  }

  #find(
    pool: HostPool,
    session: { readonly uid: string; readonly name: string },
    project: string,
  ): StoredNotice | undefined {
    const namespace = namespaceOfProject(pool.spec, project);
    return namespace === undefined ? undefined : this.#deps.notices.find(namespace, session, project);
  }

  /** The notice of a project; made, if it is missing. A project that cannot be told counts as silent. */
  async #notice(
    { key, strategy }: PassWithRun,
    pool: HostPool,
    project: string,
  ): Promise<StoredNotice | undefined> {
    const { notices, log, events } = this.#deps;
    const namespace = namespaceOfProject(pool.spec, project);
    if (namespace === undefined) return undefined;
    const known = notices.find(namespace, strategy.metadata, project);
    if (known) return known;
    try {
      return await notices.create(namespace, strategy.metadata, project);
    } catch (error) {
      const note = `project ${project} cannot be told: its MaintenanceNotice in namespace ${namespace} was not made: ${explain(error)}`;
      log.warn({ strategy: key, project, err: error }, 'a project cannot be told');
      events.record(ownerEvent(ownerOf(strategy), { reason: 'ProjectNotTold', subject: project, note }));
      return undefined;
    }
  }
}

/** The run with the events that are still to be delivered. */
function withoutDelivered(run: RunState, session: SessionProgress, done: ReadonlySet<string>): RunState {
  const events = undelivered(session.events, done);
  return events.length < session.events.length ? { ...run, session: { ...session, events } } : run;
}
