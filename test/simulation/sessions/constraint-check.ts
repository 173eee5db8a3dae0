/**
 * Judges sessions whose projects have constraints (docs/reference/workflows.md): how many members of a group are affected,
 * what the owner of each instance was asked and has said, and that nothing moves whose constraint does not hold.
 */
import { at, type Change } from '../world/api-server.ts';
import { nodeOf } from '../world/cluster.ts';
import type { ApiObject } from '../world/objects.ts';
import { nameOf } from '../world/strategies.ts';
import type { Stage } from '../seen.ts';
import { affectedBeside } from './beside-view.ts';
import { DemandView, type Demand, type DemandedGroup } from './demand-view.ts';
import type { ExtensionCheck } from './extension-check.ts';
import type { NoticeCheck } from './notice-check.ts';
import type { SessionCheckOptions } from './session-check.ts';
import {
  isInstance,
  type InstanceAnswer,
  type InstanceQuestion,
  type Question,
  type Session,
} from './session-view.ts';
import { IN_FLIGHT_MS, SEEN_MS } from '../host-history.ts';
import { HEARD_MS } from './times.ts';

/** An answer is heard, or a recovery over, by whole seconds. */
const ROUNDED_MS = 2_000;

/** An instance that is affected because of a session, or that was of late. */
type Affected = {
  readonly pod: ApiObject;
  /** The keys of its groups since it is affected, with the time that it needs to recover. */
  readonly groups: Map<string, number>;
  /** Its owner is asked, as the session has recorded. */
  isAsked: boolean;
  isEvicted: boolean;
  leftAt: number | undefined;
};

/** What the owner of an instance has agreed to, and when the session ceased to say so. */
type Consent = { readonly action: string; until: number };

type Known = {
  readonly affected: Map<string, Affected>;
  readonly consents: Map<string, Consent>;
  /** The questions that were judged. A new run of a session may have those of the run before. */
  readonly asked: Set<string>;
  /** By question: the answer that counts. */
  readonly answers: Map<string, string>;
  /** The questions whose share was judged. */
  readonly spared: Set<string>;
};

/** A status that the operator wrote. `isPaused`: the session is suspended, or was until then. */
type Written = { readonly object: ApiObject; readonly session: Session; readonly isPaused: boolean };

export class ConstraintCheck {
  readonly #options: SessionCheckOptions;
  readonly #notices: NoticeCheck;
  readonly #extensions: ExtensionCheck;
  readonly #demands: DemandView;
  /** By the uid of a session. */
  readonly #sessions = new Map<string, Known>();
  readonly #pods = new Map<string, ApiObject>();
  /** By the uid of a pod: since when it is leaving. */
  readonly #leavingSince = new Map<string, number>();
  /** By the uid of a pod: when it was made. */
  readonly #madeAt = new Map<string, number>();
  #worstClockMs = 0;

  constructor(options: SessionCheckOptions, notices: NoticeCheck, extensions: ExtensionCheck) {
    this.#options = options;
    this.#notices = notices;
    this.#extensions = extensions;
    this.#demands = new DemandView(options);
  }

  changed(change: Change): void {
    this.#demands.changed(change);
    this.#worstClockMs = Math.max(this.#worstClockMs, this.#options.clockErrorMs());
    const { resource, object, type } = change;
    if (resource !== 'pods') return;
    const { uid, deletionTimestamp } = object.metadata;
    const now = this.#options.now();
    if (type === 'DELETED') this.#left(uid);
    else this.#pods.set(uid, object);
    if (type === 'ADDED') this.#madeAt.set(uid, now);
    if (deletionTimestamp !== undefined && !this.#leavingSince.has(uid)) this.#leavingSince.set(uid, now);
  }

  /** Judges that a process has asked an instance to leave, in a session under constraints. */
  evicts(session: ApiObject, pod: ApiObject): void {
    const { name, uid, namespace = '' } = pod.metadata;
    const { affected, consents } = this.#of(session);
    const known = affected.get(uid) ?? { ...nothingYet(pod), isEvicted: true };
    known.isEvicted = true;
    affected.set(uid, known);
    const consent = consents.get(uid);
    const hasAgreed = consent?.action === 'MIGRATE' && this.#options.now() - consent.until < IN_FLIGHT_MS;
    if (!hasAgreed)
      this.#fail(
        `(2) pod ${name} was evicted by ${nameOf(session)}, and project ${namespace} has not agreed to that`,
      );
  }

  /** Compares a status that the operator wrote with the state of the session before. */
  written(written: Written, before: Session | undefined): void {
    const { object, session } = written;
    if (session.workflow === 'vnf' && before?.state === 'MAINTENANCE' && isUnderWay(session))
      this.#begins(object, session);
    const known = this.#of(object);
    const { affected, consents } = known;
    const asked = new Map(session.singles.map((each) => [each.instance, each]));
    const begun = session.singles.filter(({ instance }) => affected.get(instance)?.isAsked !== true);
    for (const each of begun) this.#touch(object, session, each);
    for (const [uid, each] of affected) if (!asked.has(uid)) this.#isForgotten(affected, uid, each);
    for (const each of begun) this.#sparesOthers(written, each);
    for (const each of session.singles) {
      if (!known.asked.has(questionKey(each))) this.#asks(written, each);
      known.asked.add(questionKey(each));
      this.#answered(written, each);
      if (each.number !== undefined)
        this.#extensions.judge(object, { ...each, number: each.number }, undefined, written.isPaused);
    }
    for (const [uid, consent] of consents)
      if (asked.get(uid)?.answer === undefined) consent.until = Math.min(consent.until, this.#options.now());
    for (const each of session.questions) this.#spares(object, session, each);
  }

  /** A host was not emptied. A refusal ends the session, and nobody counts as silent who has answered in time. */
  failed(object: ApiObject, stage: Stage, session: Session): void {
    const { now, clockErrorMs, isViewFresh, ledForMs } = this.#options;
    const refused = session.singles.find(({ answer }) => answer?.kind === 'NACK');
    if (refused && isUnderWay(session))
      this.#fail(`(4) ${nameOf(object)} goes on in ${session.state}, and ${refused.project} has refused`);
    if (refused || at(object.spec, 'replies', 'onSilence') !== 'fail') return;
    for (const each of session.singles) {
      const { instance, project, number, replyBy, askedAt, host } = each;
      const isSilent = number !== undefined && !each.answer && stage.hosts.includes(host);
      if (!isSilent || now() + clockErrorMs() < replyBy) continue;
      if (!isViewFresh() || ledForMs() < HEARD_MS) continue;
      const heardBy = replyBy - this.#worstClockMs - HEARD_MS;
      const given = this.#notices.aboutInstance(object.metadata.uid, project, { number, instance });
      const what = `question ${String(number)} about ${instance}`;
      if (given.some((reply) => reply.at < heardBy && reply.until > reply.at + HEARD_MS))
        this.#fail(`(6) ${project} answered ${what} in time, and counts as silent`);
      if (this.#extensions.isOwed(object, { ...each, number }, heardBy, HEARD_MS))
        this.#fail(`(6) ${project} asked for more time for ${what}, and counts as silent`);
      const isShown = this.#notices.isShownAbout(object.metadata.uid, project, { number, instance });
      if (askedAt < heardBy && !isShown)
        this.#fail(`(4) ${project} counts as silent, and was never asked ${what}`);
    }
  }

  #fail(complaint: string): void {
    this.#options.failed(complaint);
  }

  #of({ metadata: { uid } }: ApiObject): Known {
    const known = this.#sessions.get(uid) ?? {
      ...{
        affected: new Map(),
        consents: new Map(),
        answers: new Map(),
        asked: new Set(),
        spared: new Set(),
      },
    };
    this.#sessions.set(uid, known);
    return known;
  }

  /** How long the operator may not know of a change. */
  get #unseenMs(): number {
    return this.#options.isViewFresh() ? SEEN_MS : IN_FLIGHT_MS;
  }

  /** The workflow vnf begins only with a constraint that holds for each instance. */
  #begins(object: ApiObject, session: Session): void {
    const compute = new Set(session.hosts.filter(({ type }) => type === 'compute').map(({ name }) => name));
    for (const pod of this.#options.server.list('pods')) {
      const { uid, name, namespace = '' } = pod.metadata;
      if (!compute.has(nodeOf(pod)) || !isInstance(pod) || this.#leavingSince.has(uid)) continue;
      const isNew = this.#options.now() - (this.#madeAt.get(uid) ?? Infinity) < this.#unseenMs;
      if (isNew || this.#demands.settledMs(namespace) < this.#unseenMs) continue;
      if (!this.#options.server.get('nodes', nodeOf(pod)) || this.#demands.of(pod, 'vnf').kind === 'stated')
        continue;
      this.#fail(`(4) ${nameOf(object)} begins, and pod ${name} has no constraint that holds`);
    }
  }

  /** From now on an instance is affected. */
  #touch(object: ApiObject, { workflow }: Session, { instance }: InstanceQuestion): void {
    const { affected } = this.#of(object);
    const pod = this.#pods.get(instance);
    if (!pod) return;
    const known = affected.get(instance) ?? nothingYet(pod);
    for (const { key, recoverySeconds } of this.#demands.of(pod, workflow).groups)
      known.groups.set(key, recoverySeconds);
    affected.set(instance, { ...known, isAsked: true });
  }

  /** The question about an instance is not recorded any more. */
  #isForgotten(affected: Map<string, Affected>, uid: string, each: Affected): void {
    each.isAsked = false;
    if (!each.isEvicted && each.leftAt === undefined) affected.delete(uid);
  }

  #left(uid: string): void {
    for (const { affected } of this.#sessions.values()) {
      const known = affected.get(uid);
      if (known) known.leftAt ??= this.#options.now();
    }
  }

  /** No group has more affected members than it may, once a further one is. */
  #sparesOthers({ object, session }: Written, { instance, project }: InstanceQuestion): void {
    const pod = this.#pods.get(instance);
    if (!pod || this.#demands.settledMs(project) < this.#unseenMs) return;
    for (const group of this.#demands.of(pod, session.workflow).groups) {
      const others = this.#othersOf(object, session, group, instance);
      const underWay = others.filter(({ leftAt }) => leftAt === undefined);
      const what = `${nameOf(object)} begins with pod ${pod.metadata.name}`;
      if (group.isKeptApart && underWay.length > 0)
        this.#fail(
          `(2) ${what}, and ${namesOf(underWay)} of ${group.key}, which is kept apart, is under way`,
        );
      if (others.length >= group.most)
        this.#fail(
          `(2) ${what}, and of ${group.key} are affected already: ${namesOf(others)}; at most ${String(group.most)} may be`,
        );
    }
  }

  /** The other members of a group that are affected: by a session, or because they leave the hosts of this one. */
  #othersOf(object: ApiObject, session: Session, group: DemandedGroup, uid: string): readonly Affected[] {
    const own = [...this.#of(object).affected.values()].filter(
      (each) => each.pod.metadata.uid !== uid && this.#isAffected(each, group),
    );
    const found = [...own, ...this.#beside(object, group, uid)];
    const counted = new Map(found.map((each) => [each.pod.metadata.uid, each]));
    const hosts = new Set(session.hosts.filter(({ type }) => type === 'compute').map(({ name }) => name));
    const leaving = this.#options.server.list('pods').filter((pod) => {
      const { uid: other } = pod.metadata;
      if (other === uid || counted.has(other) || !hosts.has(nodeOf(pod)) || !this.#isLeaving(other))
        return false;
      return this.#demands.of(pod, session.workflow).groups.some(({ key }) => key === group.key);
    });
    return [...counted.values(), ...leaving.map(nothingYet)];
  }

  #isAffected({ groups, isAsked, isEvicted, leftAt }: Affected, group: DemandedGroup): boolean {
    const recoverySeconds = groups.get(group.key);
    if (recoverySeconds === undefined) return false;
    if (leftAt === undefined) return isAsked || isEvicted;
    const seconds = Math.min(recoverySeconds, group.recoverySeconds);
    return this.#isAhead(leftAt + seconds * 1_000);
  }

  /** Whether a time has not come, by any clock. */
  #isAhead(time: number): boolean {
    return time - 2 * this.#worstClockMs - ROUNDED_MS > this.#options.now();
  }

  /** Whether the operator must have seen that an instance is leaving. */
  #isLeaving(uid: string): boolean {
    return this.#options.now() - (this.#leavingSince.get(uid) ?? Infinity) >= this.#unseenMs;
  }

  /** The members of a group that other sessions affect. */
  #beside(object: ApiObject, group: DemandedGroup, uid: string): readonly Affected[] {
    const beside = affectedBeside(this.#options.server, object, (other) => this.#isLeaving(other));
    return beside.flatMap(({ session, uid: other, recovers }) => {
      const pod = this.#pods.get(other);
      if (!pod || other === uid) return [];
      if (!recovers) {
        const known = this.#of(session).affected.get(other);
        return known && this.#isAffected(known, group) ? [known] : [];
      }
      const isRecovering = recovers.group === group.key && this.#isAhead(recovers.until);
      return isRecovering ? [{ ...nothingYet(pod), leftAt: this.#options.now() }] : [];
    });
  }

  /** A new question is about an instance whose constraint holds, and gives its owner the time that it needs. */
  #asks({ object, session }: Written, question: InstanceQuestion): void {
    const { instance, project, number, replyBy, askedAt, migrationType, extendedSeconds } = question;
    if (number !== undefined) this.#notices.asked(object.metadata.uid, { project, number });
    const pod = this.#pods.get(instance);
    const what = `${nameOf(object)} begins with pod ${pod?.metadata.name ?? instance}`;
    if (!pod) return this.#fail(`(6) ${what}, which never was there`);
    if (this.#demands.settledMs(pod.metadata.namespace ?? '') < this.#unseenMs) return;
    const demand = this.#demands.of(pod, session.workflow);
    if (pod.metadata.namespace !== project) this.#fail(`(2) ${what}, and asks ${project}`);
    if (demand.kind === 'unclear' || (demand.kind === 'none' && session.workflow === 'vnf'))
      return this.#fail(`(4) ${what}, which has no constraint that holds`);
    const { leadSeconds, action } = demand.kind === 'stated' ? demand : WITHOUT_DEMANDS;
    if (number === undefined && leadSeconds > 0)
      this.#fail(`(2) ${what}, and does not ask its owner, who needs ${String(leadSeconds)} s`);
    if (replyBy - askedAt < (leadSeconds + extendedSeconds) * 1_000)
      this.#fail(`(4) ${what}, and gives its owner less than ${String(leadSeconds)} s`);
    if (migrationType !== action)
      this.#fail(`(6) ${what} by ${migrationType}, and its constraint says ${action}`);
  }

  #answered(written: Written, question: InstanceQuestion): void {
    if (!question.answer) return;
    const { answers, consents } = this.#of(written.object);
    const key = questionKey(question);
    const { kind, action = question.migrationType } = question.answer;
    const text = `${kind} ${action}`;
    const first = answers.get(key);
    if (first !== undefined && first !== text)
      this.#fail(`(5) a second answer of ${question.project} about ${question.instance} was accepted`);
    if (first === undefined) this.#counts(written, question, question.answer);
    answers.set(key, text);
    if (kind === 'ACK') consents.set(question.instance, { action, until: Infinity });
  }

  /** An answer counts that the owner gave, in time; its silence where the session says so, or where it is not asked. */
  #counts({ object, isPaused }: Written, question: InstanceQuestion, answer: InstanceAnswer): void {
    const { now, clockErrorMs } = this.#options;
    const { project, number, instance, replyBy, migrationType } = question;
    const what = `the answer of ${project} about ${instance}`;
    const silence = at(object.spec, 'replies', 'onSilence');
    if (answer.isAssumed) {
      // Without a number nobody is asked.
      if (number !== undefined && silence !== 'proceed')
        this.#fail(`(4) ${what} was assumed, and silence means ${String(silence)}`);
      if (now() + clockErrorMs() < replyBy) this.#fail(`(4) ${what} was assumed before it was due`);
      return;
    }
    if (number === undefined) return this.#fail(`(5) ${what} counts, and it was not asked`);
    const given = this.#notices.aboutInstance(object.metadata.uid, project, { number, instance });
    const fitting = given.filter(
      (each) =>
        each.answer === answer.kind &&
        (answer.kind === 'NACK' ||
          (each.actions[instance] ?? each.actions['*'] ?? migrationType) ===
            (answer.action ?? migrationType)),
    );
    if (fitting.length === 0) this.#fail(`(5) ${what} counts as ${answer.kind}, and it has not said so`);
    else if (silence !== 'wait' && !isPaused && fitting.every((each) => each.at > replyBy + clockErrorMs()))
      this.#fail(`(4) ${what} counts, and it came after its time`);
  }

  /** In SCALE_IN no group is asked for more members than may be affected at once. */
  #spares(object: ApiObject, { workflow }: Session, { project, number, spares }: Question): void {
    const { spared } = this.#of(object);
    const key = `${project}/${String(number)}`;
    if (!spares || spared.has(key)) return;
    spared.add(key);
    if (this.#demands.settledMs(project) < this.#unseenMs) return;
    const groups = spares.flatMap((uid) => {
      const pod = this.#pods.get(uid);
      return pod ? this.#demands.of(pod, workflow).groups : [];
    });
    for (const { key: name, most } of groups) {
      const count = groups.filter((each) => each.key === name).length;
      if (count > most)
        return this.#fail(
          `(2) ${project} is to spare ${String(count)} members of ${name}, of which at most ${String(most)} may be affected`,
        );
    }
  }
}

/** A pod without a constraint, in a workflow that asks for none. */
const WITHOUT_DEMANDS: Pick<Demand & { kind: 'stated' }, 'leadSeconds' | 'action'> = {
  ...{ leadSeconds: 0, action: 'MIGRATE' },
};

function nothingYet(pod: ApiObject): Affected {
  return { pod, groups: new Map(), isAsked: false, isEvicted: false, leftAt: undefined };
}

/** A question that is asked anew is another one. */
function questionKey({ instance, askedAt, number }: InstanceQuestion): string {
  return `${instance}/${String(askedAt)}/${String(number)}`;
}

function namesOf(affected: readonly Affected[]): string {
  return affected.map(({ pod }) => pod.metadata.name).join(', ');
}

function isUnderWay({ state }: Session): boolean {
  return state !== 'MAINTENANCE' && state !== 'MAINTENANCE_FAILED' && state !== 'MAINTENANCE_DONE';
}
