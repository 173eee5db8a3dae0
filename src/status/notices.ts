/**
 * What a project sees of a session in its MaintenanceNotice, and what it answers there. Pure: a notice follows from the
 * run and the observed instances, so it is written again whenever it differs.
 */
import {
  MOST_SHOWN_INSTANCES,
  type Notice,
  type NoticeReply,
  type NoticeStatus,
  type ShownInstance,
} from '../crds/maintenance-notice.ts';
import type { SessionTerms } from '../crds/spec/session-terms.ts';
import { statusText } from '../crds/text/status-text.ts';
import { MOVE_ACTIONS, type MoveAction } from '../crds/vocabulary.ts';
import { projectOf } from '../engine/session/occupancy.ts';
import {
  asksForActions,
  type ProjectProgress,
  type ProjectReply,
  type ReplyExtension,
  type ReplyVerdict,
  type SessionProgress,
} from '../engine/session/session-state.ts';
import type { InstanceFacts, Instant, View } from '../engine/view.ts';
import type { HostName } from '../planner/hosts/facts.ts';

export type NoticeInput = {
  readonly session: SessionProgress;
  readonly terms: Pick<SessionTerms, 'startAt' | 'metadata' | 'silent'>;
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

/** In `instanceActions`: all instances that are not named. */
const ALL_OTHERS = '*';

/** The projects that have a notice: all that were told of the session. */
export function toldProjects({ members, projects }: SessionProgress): readonly string[] {
  return [...new Set([...members, ...projects.map(({ id }) => id)])];
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
  const asked = session.projects.find(({ id }) => id === project);
  const answer = asked && answerOf(asked);
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
    ...(asked ? { question: questionOf(asked, terms) } : {}),
    ...(answer ? { answer } : {}),
    ...(lastReply ? { lastReply } : {}),
    ...(instances.length > 0 ? { instances } : {}),
  };
}

function questionOf(
  { question, asked, askedAt, replyBy, instances }: ProjectProgress,
  { silent }: Pick<SessionTerms, 'silent'>,
): NonNullable<NoticeStatus['question']> {
  return {
    ...{ number: question, asks: asked, since: askedAt, replyBy, silence: SILENCE[silent] },
    allowedActions: asksForActions(asked) ? [...MOVE_ACTIONS] : [],
    instances: instances.slice(0, MOST_ASKED),
  };
}

/** A question about more instances is answered with `*`. */
const MOST_ASKED = 1000;

const SILENCE: Readonly<Record<SessionTerms['silent'], string>> = {
  fail: 'without an answer in time the session fails, and nothing more is done on the hosts',
  proceed: 'without an answer in time it counts as agreed, and your instances are moved by MIGRATE',
  wait: 'without an answer the session waits for it',
};

function answerOf({ answer }: ProjectProgress): NonNullable<NoticeStatus['answer']> {
  if (!answer) return 'awaited';
  return answer.assumed ? 'assumed' : answer.kind;
}

/** What the project is to do, with the command. */
function expectation(
  { session, terms }: NoticeInput,
  asked: ProjectProgress | undefined,
  { namespace, name }: Notice,
): string {
  const { state } = session;
  if (state === 'MAINTENANCE_DONE') return 'the maintenance is over; nothing more is expected of you';
  if (state === 'MAINTENANCE_FAILED')
    return 'the session has failed; nothing is expected of you unless it goes on';
  if (!asked || asked.answer) return 'nothing is expected of you now';
  const actions = asksForActions(asked.asked) ? `,"instanceActions":{"*":"MIGRATE"}` : '';
  const patch = `{"spec":{"reply":{"question":${String(asked.question)},"answer":"ACK"${actions}}}}`;
  return (
    `answer question ${String(asked.question)}, ${MEANING[asked.asked]}, by ${asked.replyBy}: ` +
    `kubectl patch notice ${name} -n ${namespace} --type merge -p '${patch}' (NACK refuses); ${SILENCE[terms.silent]}`
  );
}

const MEANING: Readonly<Record<ProjectProgress['asked'], string>> = {
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
  asked: ProjectProgress | undefined,
  before: readonly ShownInstance[],
): ShownInstance[] {
  const here = (instances.get(project) ?? []).map(({ host, instance }) =>
    shown(instance, host, session, asked),
  );
  const present = new Set(here.map(({ uid }) => uid));
  const left = before.filter(({ uid }) => !present.has(uid)).map((each) => leftOver(each, session));
  return [...here, ...left].slice(0, MOST_SHOWN_INSTANCES);
}

function shown(
  { uid, name, leaving }: InstanceFacts,
  host: string,
  { moves }: SessionProgress,
  asked: ProjectProgress | undefined,
): ShownInstance {
  const move = moves.find(({ instance }) => instance === uid);
  const action = move?.action ?? asked?.answer?.actions[uid];
  const isAsked = asked && asksForActions(asked.asked) && asked.instances.includes(uid);
  const plan = move && !move.done ? 'moving' : isAsked && !move ? 'asked' : leaving ? 'moving' : 'stays';
  return { uid, name, host, plan, ...(action ? { action } : {}) };
}

function leftOver({ host: _host, ...instance }: ShownInstance, { moves }: SessionProgress): ShownInstance {
  const move = moves.find((each) => each.instance === instance.uid);
  const wasMoved = move !== undefined || instance.plan === 'moving' || instance.plan === 'moved';
  const action = move?.action ?? instance.action;
  return { ...instance, plan: wasMoved ? 'moved' : 'gone', ...(action ? { action } : {}) };
}

function lastReplyOf(
  { spec: { reply, extension }, status }: Notice,
  verdict: ReplyVerdict | undefined,
  at: string,
): NoticeStatus['lastReply'] {
  const question = reply?.question ?? extension?.question;
  if (!verdict || question === undefined) return status.lastReply;
  return { question, accepted: verdict.answer === 'accepted', message: verdict.message, time: at };
}

/** By it a verdict finds the notice that it is about. */
export function replyId({ namespace, name, generation }: Notice, of: 'reply' | 'extension'): string {
  return `notice/${namespace}/${name}/${String(generation)}/${of}`;
}

/** Whether what a notice says has been judged: each change of its spec is judged once. */
function isJudged({ generation, status }: Notice): boolean {
  return (status.observedGeneration ?? -1) >= generation;
}

/** What the notice of a project says that nobody has judged yet. */
export function saidIn(
  project: string,
  notice: Notice,
  asked: ProjectProgress | undefined,
  now: Instant,
): { readonly replies: readonly ProjectReply[]; readonly extensions: readonly ReplyExtension[] } {
  const { reply, extension } = notice.spec;
  if (isJudged(notice)) return { replies: [], extensions: [] };
  const common = { project, at: now };
  const isRecorded = reply !== undefined && asked !== undefined && isAnswered(asked, reply);
  return {
    replies:
      reply && !isRecorded ? [{ ...common, id: replyId(notice, 'reply'), ...replyOf(reply, asked) }] : [],
    extensions: extension ? [{ ...common, id: replyId(notice, 'extension'), ...extension }] : [],
  };
}

/** Whether an answer was recorded before its notice could say so: a process died between the two writes. */
function isAnswered({ question, answer }: ProjectProgress, reply: NoticeReply): boolean {
  return (
    answer !== undefined && !answer.assumed && question === reply.question && answer.kind === reply.answer
  );
}

/** The verdict on an answer that was recorded before. */
export function recordedVerdict(
  notice: Notice,
  asked: ProjectProgress | undefined,
): ReplyVerdict | undefined {
  const { reply } = notice.spec;
  if (!reply || !asked || isJudged(notice) || !isAnswered(asked, reply)) return undefined;
  const message = `${reply.answer}_${asked.asked} of project ${asked.id}`;
  return { id: replyId(notice, 'reply'), answer: 'accepted', message };
}

function replyOf(
  { question, answer, instanceActions }: NoticeReply,
  asked: ProjectProgress | undefined,
): Pick<ProjectReply, 'question' | 'state' | 'instanceActions'> {
  return {
    question,
    state: `${answer}_${asked?.asked ?? ''}`,
    ...(instanceActions ? { instanceActions: spread(instanceActions, asked?.instances ?? []) } : {}),
  };
}

/** An action under `*` is that of all instances of the question that are not named. */
function spread(
  actions: Readonly<Record<string, MoveAction>>,
  instances: readonly string[],
): Record<string, MoveAction> {
  const { [ALL_OTHERS]: others, ...named } = actions;
  if (others === undefined) return named;
  return { ...Object.fromEntries(instances.map((uid) => [uid, others] as const)), ...named };
}
