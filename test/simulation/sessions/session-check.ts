/**
 * Judges maintenance sessions: nothing is done to the instances of a project that it has not agreed to, hosts are closed
 * only in a session that may, and an answer counts once. It knows what projects have said by their notices, not by what
 * the session has recorded.
 */
import { at, type Change, type Objects } from '../world/api-server.ts';
import { nodeOf } from '../world/cluster.ts';
import { jobEnded } from '../world/job-controller.ts';
import type { ApiObject } from '../world/objects.ts';
import { isSession, nameOf } from '../world/strategies.ts';
import type { Claim } from '../seen.ts';
import { runIdOf, stagesOf, stateOf, type Stage } from '../seen.ts';
import { ConstraintCheck } from './constraint-check.ts';
import { ExtensionCheck } from './extension-check.ts';
import { NoticeCheck } from './notice-check.ts';
import {
  isInstance,
  sessionOf,
  workflowOf,
  type Answer,
  type Question,
  type Session,
} from './session-view.ts';
import { IN_FLIGHT_MS, SEEN_MS } from '../host-history.ts';
import { HEARD_MS } from './times.ts';

const RUN_LABEL = 'careen.dev/run';
const HOST = 'careen.dev/host';
/** The steps in which instances are asked to leave. */
const MOVES_IN: ReadonlySet<string> = new Set(['move-instances', 'ask-and-move-instances']);
const MOVES = new Set(['MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION']);

export type SessionCheckOptions = {
  readonly server: Objects;
  readonly pool: string;
  readonly now: () => number;
  readonly isOperator: (by: string) => boolean;
  readonly isViewFresh: () => boolean;
  readonly ledForMs: () => number;
  /** By how much the clocks of processes may be ahead of the time, or behind it. */
  readonly clockErrorMs: () => number;
  /** Whether the host has left the cluster or the pool at some time. */
  readonly hasLeft: (host: string) => boolean;
  readonly failed: (complaint: string) => void;
};

/** What is known of the run of a session. */
type Known = {
  /** The uids of the instances that may be asked to leave. */
  readonly agreed: Set<string>;
  /** By project and question: the answer that counts. */
  readonly answers: Map<string, string>;
  /** By project and question: the question, and the stage and attempt that ask it. */
  readonly asked: Map<string, { readonly question: Question; readonly stage: string }>;
  /** The names of the stages that have succeeded. */
  readonly succeeded: Set<string>;
  /** By host: the actions whose Jobs have succeeded there. */
  readonly done: Map<string, Set<string>>;
};

/** A status that the operator wrote. `isPaused`: the session is suspended, or was until then. */
type Written = { readonly session: Session; readonly known: Known; readonly isPaused: boolean };

export class SessionCheck {
  readonly #options: SessionCheckOptions;
  readonly #notices: NoticeCheck;
  readonly #extensions: ExtensionCheck;
  readonly #constraints: ConstraintCheck;
  readonly #runs = new Map<string, Known>();
  /** By the uid of a pod: when it was made. */
  readonly #madeAt = new Map<string, number>();
  /** By host: the run that moves its instances, and when that was so last. */
  readonly #emptying = new Map<string, { readonly run: string; at: number }>();

  constructor(options: SessionCheckOptions) {
    this.#options = options;
    this.#notices = new NoticeCheck(options);
    this.#extensions = new ExtensionCheck(options, this.#notices);
    this.#constraints = new ConstraintCheck(options, this.#notices, this.#extensions);
  }

  /** Learns of a change of a pod, a constraint, a notice or a Job. */
  changed(change: Change): void {
    const { resource, object, type } = change;
    this.#constraints.changed(change);
    if (resource === 'maintenancenotices') return this.#notices.judge(change);
    if (resource === 'pods' && type === 'ADDED') {
      this.#madeAt.set(object.metadata.uid, this.#options.now());
      this.#notices.pod(object);
    }
    if (resource === 'jobs' && jobEnded(object)) this.#worked(object);
  }

  /** The run that empties a host which stays open; undefined when none has done so lately. */
  emptying(host: string): string | undefined {
    const found = this.#emptying.get(host);
    return found && this.#options.now() - found.at < IN_FLIGHT_MS ? found.run : undefined;
  }

  /** Judges an eviction that a process has asked for. `run`: the one that holds or empties the host. */
  evicts(run: string, pod: ApiObject): void {
    const session = this.#sessionWith(run);
    const { name, uid, namespace = '' } = pod.metadata;
    if (session && isConstrained(session)) return this.#constraints.evicts(session, pod);
    if (session && !this.#of(run).agreed.has(uid))
      this.#options.failed(
        `(2) pod ${name} was evicted by ${nameOf(session)}, and project ${namespace} has not agreed to that`,
      );
  }

  /** Judges a claim of the level `closed`. */
  closes(host: string, { run }: Claim): void {
    const { failed } = this.#options;
    const session = this.#sessionWith(run);
    const found = session && sessionOf(session);
    if (!session || !found) return failed(`(5) ${host} was closed by ${run}, which is none of a session`);
    const what = `${host} was closed by ${nameOf(session)}`;
    const isUnderWay = stateOf(session) === 'applying';
    if (isUnderWay && !found.closed.includes(host)) failed(`(5) ${what} before the session had recorded it`);
    if (found.hosts.find(({ name }) => name === host)?.type !== 'compute')
      failed(`(4) ${what}, and is none of its compute hosts`);
    if (!this.#of(run).succeeded.has('maintenance')) failed(`(4) ${what} before its projects had agreed`);
  }

  /** Judges that a session takes a host out of service. `busyMs`: for how long instances have been there. */
  takesAway(host: string, { run }: Claim, busyMs: number): void {
    const session = this.#sessionWith(run);
    if (session && busyMs > (this.#options.isViewFresh() ? SEEN_MS : IN_FLIGHT_MS))
      this.#options.failed(`(2) ${host} was taken out of service by ${nameOf(session)} under an instance`);
  }

  /** Compares a status that the operator wrote with the one before. */
  written(object: ApiObject, before: ApiObject): void {
    const session = isSession(object) ? sessionOf(object) : undefined;
    if (!session) return;
    const run = runIdOf(object);
    const known = this.#of(run);
    const stages = stagesOf(object);
    for (const { name, result } of stages) if (result === 'success') known.succeeded.add(name);
    // Deadlines stand still in Suspend.
    const isPaused = [object, before].some(({ status }) => at(status, 'run', 'suspendedSince') !== undefined);
    for (const question of session.questions) this.#question(object, { session, known, isPaused }, question);
    const old = runIdOf(before) === run ? sessionOf(before) : undefined;
    this.#constraints.written({ object, session, isPaused }, old);
    this.#steps(object, before, session);
    for (const stage of stages)
      if (isMoving(stage))
        for (const host of stage.hosts) this.#emptying.set(host, { run, at: this.#options.now() });
    if (session.state === 'MAINTENANCE_DONE' && old?.state !== session.state)
      this.#ended(object, session, known);
  }

  atEnd(): void {
    this.#notices.atEnd();
    const { server, failed } = this.#options;
    for (const each of server.list('maintenancesessions')) {
      const session = sessionOf(each);
      const isOver = stateOf(each) !== 'applying' && stateOf(each) !== 'ready-to-apply';
      if (session && isOver && session.closed.length > 0)
        failed(`(4) ${nameOf(each)} has ended, and still names ${session.closed.join(', ')} as closed`);
    }
  }

  #question(object: ApiObject, { session, known, isPaused }: Written, question: Question): void {
    const { project, number } = question;
    const key = `${project}/${String(number)}`;
    this.#notices.asked(object.metadata.uid, question);
    this.#extensions.judge(object, question, secondsFor(object, question), isPaused);
    if (!known.asked.has(key)) {
      const stage = stagesOf(object).find(({ inProgress }) => inProgress);
      known.asked.set(key, { question, stage: stage ? attemptOf(stage) : '' });
      if (stage) this.#asks(object, stage, session, question);
    }
    if (!question.answer) return;
    const answer = JSON.stringify(question.answer);
    const first = known.answers.get(key);
    if (first === answer) return;
    if (first !== undefined)
      this.#options.failed(`(5) a second answer of ${project} to question ${String(number)} was accepted`);
    known.answers.set(key, answer);
    this.#counts(object, question, question.answer, isPaused);
    if (question.answer.kind !== 'ACK') return;
    for (const [uid, action] of Object.entries(question.answer.actions))
      if (action !== 'OWN_ACTION' && question.instances.includes(uid)) known.agreed.add(uid);
  }

  /** A project is asked about all its instances on the hosts that the question is about; nobody is about skipped ones. */
  #asks(object: ApiObject, stage: Stage, session: Session, { project, number, instances }: Question): void {
    const { now, server, isViewFresh, failed } = this.#options;
    const compute = session.hosts.filter(({ type }) => type === 'compute').map(({ name }) => name);
    const skipped = skippedBy(object);
    const about = stage.hosts.length > 0 ? stage.hosts : compute;
    const hosts = new Set(about.filter((host) => !skipped.has(host)));
    const before = now() - (isViewFresh() ? SEEN_MS : IN_FLIGHT_MS);
    for (const pod of server.list('pods')) {
      const { uid, namespace = '', deletionTimestamp, name } = pod.metadata;
      const isConcerned = hosts.has(nodeOf(pod)) && isInstance(pod) && deletionTimestamp === undefined;
      if (!isConcerned || (this.#madeAt.get(uid) ?? Infinity) > before) continue;
      if (namespace === project && !instances.includes(uid))
        failed(`(6) question ${String(number)} to ${project} leaves out pod ${name} on ${nodeOf(pod)}`);
      if (!session.questions.some((each) => each.project === namespace))
        failed(`(2) ${namespace} is not asked about pod ${name} on ${nodeOf(pod)}`);
    }
  }

  /** An answer counts that the project gave to this question, in time; or its silence, where the session says so. */
  #counts(object: ApiObject, question: Question, answer: Answer, isPaused: boolean): void {
    const { now, failed, clockErrorMs } = this.#options;
    const { project, number, replyBy, asked } = question;
    const what = `the answer of ${project} to question ${String(number)} (${asked})`;
    const silence = at(object.spec, 'replies', 'onSilence');
    if (answer.isAssumed) {
      if (silence !== 'proceed') failed(`(4) ${what} was assumed, and silence means ${String(silence)}`);
      if (now() + clockErrorMs() < replyBy) failed(`(4) ${what} was assumed before it was due`);
      return;
    }
    const given = this.#notices.given(object.metadata.uid, project, number);
    const fitting = given.filter(
      (each) => each.answer === answer.kind && isSame(each.actions, answer, question),
    );
    if (fitting.length === 0) failed(`(5) ${what} counts as ${answer.kind}, and it has not said so`);
    else if (silence !== 'wait' && !isPaused && fitting.every((each) => each.at > replyBy + clockErrorMs()))
      failed(`(4) ${what} counts, and it came after its time`);
  }

  #steps(object: ApiObject, before: ApiObject, session: Session): void {
    const old = runIdOf(before) === runIdOf(object) ? stagesOf(before) : [];
    for (const stage of stagesOf(object))
      for (const step of stage.steps) {
        const was = old.find(({ id, attempt }) => id === stage.id && attempt === stage.attempt);
        if (was?.steps[step.id]?.result === step.result) continue;
        if (step.name === 'ask-projects' && step.result === 'success') this.#agreed(object, stage);
        if (step.name === 'ask-and-move-instances' && step.result === 'failed')
          this.#constraints.failed(object, stage, session);
        if (step.name === 'ask-projects' && (step.result === 'failed' || step.result === 'timed-out'))
          this.#notAgreed(object, stage, session);
      }
  }

  /** The last answers may never be stored: the write that takes them asks the next question. */
  #agreed(object: ApiObject, stage: Stage): void {
    const { failed, now, clockErrorMs } = this.#options;
    const { answers, asked } = this.#of(runIdOf(object));
    const mayBeAssumed = at(object.spec, 'replies', 'onSilence') === 'proceed';
    for (const [key, { question, stage: of }] of asked) {
      if (of !== attemptOf(stage) || answers.has(key)) continue;
      const { project, number, replyBy } = question;
      const given = this.#notices.given(object.metadata.uid, project, number);
      const hasAgreed = given.some((each) => each.answer === 'ACK' && isValid(each, question));
      const isDue = now() + clockErrorMs() >= replyBy;
      if (!hasAgreed && !(mayBeAssumed && isDue))
        failed(`(4) stage ${String(stage.id)} goes on, and ${project} has not agreed`);
    }
  }

  /** A session fails for an answer, or for one that is missing. */
  #notAgreed(object: ApiObject, stage: Stage, session: Session): void {
    const { now, failed, clockErrorMs, isViewFresh, ledForMs } = this.#options;
    const { asked } = this.#of(runIdOf(object));
    const questions = session.questions.filter(
      ({ project, number }) => asked.get(`${project}/${String(number)}`)?.stage === attemptOf(stage),
    );
    const silent = questions.filter(({ answer }) => answer === undefined);
    if (questions.some(({ answer }) => answer?.kind === 'NACK') || silent.length === 0) return;
    if (silent.every(({ replyBy }) => now() + clockErrorMs() < replyBy))
      failed(`(4) ${nameOf(object)} failed for an answer that was not due`);
    if (!isViewFresh() || ledForMs() < HEARD_MS) return;
    for (const question of silent) {
      const { project, number, askedAt, replyBy } = question;
      const { uid } = object.metadata;
      const heardBy = replyBy - clockErrorMs() - HEARD_MS;
      const given = this.#notices.given(uid, project, number).filter((each) => isValid(each, question));
      if (given.some((each) => each.at < heardBy && each.until > each.at + HEARD_MS))
        failed(`(6) ${project} answered question ${String(number)} in time, and counts as silent`);
      if (this.#extensions.isOwed(object, question, heardBy, HEARD_MS))
        failed(`(6) ${project} asked for more time for question ${String(number)}, and counts as silent`);
      if (askedAt < heardBy && this.#notices.shownAt(uid, project, number) === Infinity)
        failed(`(4) ${project} counts as silent, and was never asked question ${String(number)}`);
    }
  }

  #worked({ metadata: { labels = {}, annotations = {} }, status }: ApiObject): void {
    const conditions = status?.['conditions'];
    const isComplete =
      Array.isArray(conditions) && conditions.some((each) => at(each, 'type') === 'Complete');
    if (!isComplete) return;
    const { done } = this.#of(labels[RUN_LABEL] ?? '');
    const host = annotations[HOST] ?? '';
    done.set(host, (done.get(host) ?? new Set()).add(labels['careen.dev/action'] ?? ''));
  }

  /** Each compute host was worked on that has not left and was not skipped. */
  #ended(object: ApiObject, { hosts }: Session, { done }: Known): void {
    const { failed, hasLeft } = this.#options;
    const skipped = skippedBy(object);
    const actions = object.spec?.['actions'];
    const asked = (Array.isArray(actions) ? actions : [])
      .filter((each) => at(each, 'type') === 'host' || at(each, 'type') === 'compute')
      .map((each) => String(at(each, 'plugin')));
    for (const { name } of hosts.filter(({ type }) => type === 'compute'))
      for (const action of asked)
        if (!hasLeft(name) && !skipped.has(name) && done.get(name)?.has(action) !== true)
          failed(`(6) ${nameOf(object)} is done, and ${action} did not succeed on ${name}`);
  }

  #sessionWith(run: string): ApiObject | undefined {
    return this.#options.server.list('maintenancesessions').find((each) => runIdOf(each) === run);
  }

  #of(run: string): Known {
    const known = this.#runs.get(run) ?? {
      ...{ agreed: new Set(), answers: new Map(), asked: new Map(), succeeded: new Set(), done: new Map() },
    };
    this.#runs.set(run, known);
    return known;
  }
}

function attemptOf({ id, attempt }: Stage): string {
  return `${String(id)}/${String(attempt)}`;
}

function isMoving({ inProgress, steps }: Stage): boolean {
  return inProgress && steps.some(({ name, result }) => MOVES_IN.has(name) && result !== 'success');
}

/** Whether the workflow of a session looks at the constraints of its projects. */
function isConstrained(session: ApiObject): boolean {
  return workflowOf(session) !== 'default';
}

/** How long the answer to a question may take without more time. */
function secondsFor({ spec }: ApiObject, { asked }: Question): number {
  const isLong = asked === 'SCALE_IN' || asked === 'MAINTENANCE_COMPLETE';
  return Number(at(spec, 'replies', isLong ? 'scaleInReplySeconds' : 'replySeconds') ?? 0);
}

type Given = { readonly answer: string; readonly actions: Readonly<Record<string, string>> };

/** Whether the recorded actions are those of the answer: `*` stands for all that it does not name. */
function isSame(given: Given['actions'], { actions }: Answer, { instances }: Question): boolean {
  return Object.entries(actions).every(
    ([uid, action]) => instances.includes(uid) && (given[uid] ?? given['*']) === action,
  );
}

function isValid({ answer, actions }: Given, { asked, instances }: Question): boolean {
  if (answer === 'NACK') return true;
  if (asked !== 'PREPARE_MAINTENANCE' && asked !== 'PLANNED_MAINTENANCE') return true;
  const names = Object.keys(actions).filter((uid) => uid !== '*');
  return (
    names.every((uid) => instances.includes(uid)) &&
    instances.every((uid) => MOVES.has(actions[uid] ?? actions['*'] ?? ''))
  );
}

/** The hosts that requests leave out of the run. */
function skippedBy({ status }: ApiObject): ReadonlySet<string> {
  const found = at(status, 'skipped');
  return new Set((Array.isArray(found) ? found : []).map((each) => String(at(each, 'name'))));
}
