/**
 * What a project sees of a session in its MaintenanceNotice, and what it answers there. Pure: a notice follows from the
 * run and the observed instances, so it is written again whenever it differs.
 */
import {
  MOST_SHOWN_INSTANCES,
  type Notice,
  type NoticeStatus,
  type ShownInstance,
} from '../../crds/maintenance-notice.ts';
import type { SessionTerms } from '../../crds/spec/session-terms.ts';
import { enumerated } from '../../crds/text/enumerated.ts';
import { statusText } from '../../crds/text/status-text.ts';
import { MOVE_ACTIONS } from '../../crds/vocabulary.ts';
import { projectOf } from '../../engine/session/occupancy.ts';
import {
  asksForActions,
  computeHosts,
  hasEnded,
  type Move,
  type ReplyVerdict,
  type SessionProgress,
} from '../../engine/session/session-state.ts';
import type { InstanceFacts, View } from '../../engine/view.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { questionTo, type Question } from './notice-questions.ts';
import { lastReplyOf } from './notice-replies.ts';

export type NoticeInput = {
  readonly session: SessionProgress;
  readonly terms: Pick<SessionTerms, 'startAt' | 'metadata' | 'silent' | 'moves'>;
  readonly owner: { readonly namespace: string; readonly name: string };
  readonly instances: InstancesByProject;
};

/** The instances on the hosts of a session as they are observed, by the project that owns them. */
export type InstancesByProject = ReadonlyMap<
  string,
  readonly { readonly host: HostName; readonly instance: InstanceFacts }[]
>;

export function instancesByProject(
  { hosts }: Pick<SessionProgress, 'hosts'>,
  view: Pick<View, 'host'>,
): InstancesByProject {
  const all = hosts.flatMap(({ name: host }) =>
    (view.host(host)?.instances ?? []).map((instance) => ({ host, instance })),
  );
  return Map.groupBy(all, ({ instance }) => projectOf(instance));
}

/** The projects that have a notice: all that were told of the session. */
export function toldProjects({ members, projects, questions }: SessionProgress): readonly string[] {
  const asked = questions.filter(({ question }) => question !== undefined);
  return [...new Set([...members, ...projects.map(({ id }) => id), ...asked.map(({ project }) => project)])];
}

/** What a pass knows of a notice besides its run. */
export type Told = {
  /** The generation of the notice that the decision rests on: what was said since is judged in the next pass. */
  readonly heard: number;
  readonly verdict?: ReplyVerdict | undefined;
  /** RFC 3339. */
  readonly at: string;
};

/** What the notice of a project shows now. */
export function noticeOf(
  input: NoticeInput,
  project: string,
  notice: Notice,
  { heard, verdict, at }: Told,
): NoticeStatus {
  const { session, terms, owner } = input;
  const asked = questionTo(session, project);
  const { startAt, metadata } = terms;
  const lastReply = lastReplyOf(notice, verdict, at);
  const instances = instancesOf(input, project, asked, notice.status.instances ?? []);
  return {
    observedGeneration: heard,
    message: statusText(expectation(input, asked, notice)),
    session: {
      ...owner,
      state: session.state,
      ...(startAt === undefined ? {} : { startsAt: startAt }),
      metadata,
    },
    project,
    ...(asked ? { question: shownQuestion(asked, terms), answer: asked.answer } : {}),
    ...(lastReply ? { lastReply } : {}),
    ...(instances.length > 0 ? { instances } : {}),
  };
}

function shownQuestion(
  question: Question,
  { silent, moves = [...MOVE_ACTIONS] }: Pick<SessionTerms, 'silent' | 'moves'>,
): NonNullable<NoticeStatus['question']> {
  const { number, asks, since, replyBy, instances } = question;
  return {
    ...{ number, asks, since, replyBy, silence: silence(silent, question) },
    allowedActions: asksForActions(asks) ? [...moves] : [],
    instances: instances.slice(0, MOST_ASKED),
  };
}

/** A question about more instances is answered with `*`. */
const MOST_ASKED = 1000;

/** What happens without an answer. */
function silence(silent: SessionTerms['silent'], { asks, single }: Question): string {
  switch (silent) {
    case 'fail':
      return 'without an answer in time the session fails, and nothing more is done on the hosts';
    case 'wait':
      return 'without an answer the session waits for it';
    case 'proceed': {
      const agreed = 'without an answer in time it counts as agreed';
      if (!asksForActions(asks)) return agreed;
      const how = single.length > 0 ? 'as their constraints say' : 'by MIGRATE';
      return `${agreed}, and your instances are moved ${how}`;
    }
  }
}

/** What the project is to do, with the command. */
function expectation(
  { session, terms, instances }: NoticeInput,
  asked: Question | undefined,
  { namespace, name }: Notice,
): string {
  const { state } = session;
  if (state === 'MAINTENANCE_DONE') return 'the maintenance is over; nothing more is expected of you';
  if (state === 'MAINTENANCE_FAILED')
    return 'the session has failed; nothing is expected of you unless it goes on';
  if (asked?.answer !== 'awaited') return 'nothing is expected of you now';
  const actions = asksForActions(asked.asks) ? `,"instanceActions":{"*":"MIGRATE"}` : '';
  const patch = `{"spec":{"reply":{"question":${String(asked.number)},"answer":"ACK"${actions}}}}`;
  return (
    `answer question ${String(asked.number)}, ${MEANING[asked.asks]}${spared(asked, instances)}, by ${asked.replyBy}: ` +
    `kubectl patch notice ${name} -n ${namespace} --type merge -p '${patch}' (NACK refuses); ${silence(terms.silent, asked)}${mitigated(asked, instances)}`
  );
}

/** Some of the instances that would do in SCALE_IN, by their names. */
function spared({ give }: Question, instances: InstancesByProject): string {
  if (!give) return '';
  const names = namesOf(give.instances, instances);
  return names.length > 0 ? ` (such as ${enumerated(names, 'and')})` : ' (none of yours need go)';
}

/** Some of the instances for whose resources somebody has to make up while they are away, by their names. */
function mitigated({ single }: Question, instances: InstancesByProject): string {
  const wanted = single.flatMap((each) => (each.resourceMitigation ? [each.instance] : []));
  const names = namesOf(wanted, instances);
  return names.length > 0
    ? `; make up for the resources of ${enumerated(names, 'and')} before you agree, as the constraints say`
    : '';
}

/** The names of these instances, as many as a sentence has room for. */
function namesOf(uids: readonly string[], instances: InstancesByProject): readonly string[] {
  const all = [...instances.values()].flat().filter(({ instance: { uid } }) => uids.includes(uid));
  return all.slice(0, MOST_NAMED).map(({ instance: { name } }) => name);
}

const MOST_NAMED = 5;

const MEANING: Readonly<Record<Question['asks'], string>> = {
  MAINTENANCE: 'whether hosts with your instances may be maintained',
  SCALE_IN: 'after you have given up instances that you can spare, since no host can be emptied otherwise',
  PREPARE_MAINTENANCE: 'how your instances leave a host before the maintenance begins',
  PLANNED_MAINTENANCE: 'how your instances leave the next host, to one that is maintained',
  MAINTENANCE_COMPLETE: 'that you know that all hosts are maintained: you may scale out again',
};

/** The instances on the hosts of the session, and those that were shown before and have left. */
function instancesOf(
  { session, instances }: NoticeInput,
  project: string,
  asked: Question | undefined,
  before: readonly ShownInstance[],
): ShownInstance[] {
  const known = new Map(before.map((each) => [each.uid, each]));
  const here = (instances.get(project) ?? []).map(({ host, instance }) =>
    shown(instance, host, { session, asked, before: known.get(instance.uid) }),
  );
  const present = new Set(here.map(({ uid }) => uid));
  const left = before.filter(({ uid }) => !present.has(uid)).map((each) => leftOver(each, session));
  return [...here, ...left].slice(0, MOST_SHOWN_INSTANCES);
}

type Standing = {
  readonly session: SessionProgress;
  readonly asked: Question | undefined;
  readonly before: ShownInstance | undefined;
};

function shown({ uid, name, leaving }: InstanceFacts, host: string, standing: Standing): ShownInstance {
  const { session, asked, before } = standing;
  const move = session.moves.find(({ instance }) => instance === uid);
  const isAsked = asked && asksForActions(asked.asks) && asked.instances.includes(uid) && !move;
  const isMoving = (move && !move.done) ?? leaving !== undefined;
  const later = isToMove(session, host) ? 'planned' : 'stays';
  const plan = isAsked ? 'asked' : isMoving ? 'moving' : wasMoved(move, host, before) ? 'moved' : later;
  const action = move?.action ?? asked?.actions[uid] ?? (plan === 'moved' ? before?.action : undefined);
  return { uid, name, host, plan, ...(action ? { action } : {}) };
}

/** Whether a host is still to be emptied. */
function isToMove(session: SessionProgress, host: string): boolean {
  if (hasEnded(session)) return false;
  return computeHosts(session).some(({ name, maintained }) => name === host && !maintained);
}

/** Whether the session has moved an instance to this host: the run forgets that with the next stage, the notice does not. */
function wasMoved(move: Move | undefined, host: string, before: ShownInstance | undefined): boolean {
  return (
    move?.done === true ||
    before?.plan === 'moved' ||
    (before?.plan === 'moving' && before.host !== undefined && before.host !== host)
  );
}

function leftOver({ host: _host, ...instance }: ShownInstance, { moves }: SessionProgress): ShownInstance {
  const move = moves.find((each) => each.instance === instance.uid);
  const wasMoved = move !== undefined || instance.plan === 'moving' || instance.plan === 'moved';
  const action = move?.action ?? instance.action;
  return { ...instance, plan: wasMoved ? 'moved' : 'gone', ...(action ? { action } : {}) };
}
