/** What a project says in its MaintenanceNotice: answers and wishes for more time, and what became of them. Pure. */
import type { Notice, NoticeReply, NoticeStatus } from '../../crds/maintenance-notice.ts';
import { saysAgain } from '../../engine/session/repeated-answers.ts';
import type {
  InstanceQuestion,
  ProjectProgress,
  ProjectReply,
  ReplyExtension,
  ReplyVerdict,
  SessionProgress,
} from '../../engine/session/session-state.ts';
import type { Instant } from '../../engine/view.ts';
import { questionTo, type Question } from './notice-questions.ts';

/** In `instanceActions`: all instances that are not named. */
const ALL_OTHERS = '*';

/** What the notice of a project says that nobody has judged yet. */
export type Said = {
  readonly replies: readonly ProjectReply[];
  readonly extensions: readonly ReplyExtension[];
  /** What needs no decision: an answer that was recorded before, or that fits no question. */
  readonly verdict?: ReplyVerdict;
};

const NOTHING: Said = { replies: [], extensions: [] };

export function saidIn(session: SessionProgress, project: string, notice: Notice, now: Instant): Said {
  const { reply, extension } = notice.spec;
  if ((notice.status.observedGeneration ?? -1) >= notice.generation) return NOTHING;
  const common = { project, at: now };
  const extensions = extension ? [{ ...common, id: replyId(notice, 'extension'), ...extension }] : [];
  if (!reply) return { replies: [], extensions };
  const question = questionTo(session, project);
  const toThis = { ...reply, instanceActions: actionsFor(question, notice, reply) };
  const verdict = isRecorded(session, project, notice, reply)
    ? verdictOf(
        notice,
        'accepted',
        `${reply.answer} of project ${project} to question ${String(reply.question)}`,
      )
    : refusalWithoutDecision(project, notice, toThis, question);
  if (verdict) return { replies: [], extensions, verdict };
  const id = replyId(notice, 'reply');
  return { replies: repliesTo(question, toThis).map((each) => ({ ...common, ...each, id })), extensions };
}

type Answer = Pick<ProjectReply, 'question' | 'state' | 'instanceActions' | 'instance'>;

/** One answer may be to several questions about single instances. */
function repliesTo(
  question: Question | undefined,
  { question: number, answer, instanceActions: actions }: NoticeReply,
): Answer[] {
  const { single = [], asks = '' } = question ?? {};
  if (single.length === 0)
    return [
      { question: number, state: `${answer}_${asks}`, ...(actions ? { instanceActions: actions } : {}) },
    ];
  return single.map(({ instance, question: own, asked }) => {
    const action = actions?.[instance];
    return {
      ...{ question: own, state: `${answer}_${asked}`, instance },
      ...(action ? { instanceActions: { [instance]: action } } : {}),
    };
  });
}

/**
 * An action under `*` is that of all instances of the question that are not named. What names an instance of
 * another question is left out: `kubectl patch --type merge` keeps the keys of an earlier answer.
 */
function actionsFor(
  question: Question | undefined,
  { status }: Notice,
  { answer, instanceActions }: NoticeReply,
): NoticeReply['instanceActions'] {
  if (!instanceActions || answer === 'NACK') return undefined;
  const { [ALL_OTHERS]: others, ...named } = instanceActions;
  const { instances = [] } = question ?? {};
  const ofOthers = (uid: string): boolean =>
    !instances.includes(uid) && status.instances?.some((each) => each.uid === uid) === true;
  return Object.fromEntries([
    ...(others === undefined ? [] : instances.map((uid) => [uid, others] as const)),
    ...Object.entries(named).filter(([uid]) => !ofOthers(uid)),
  ]);
}

function verdictOf(notice: Notice, answer: ReplyVerdict['answer'], message: string): ReplyVerdict {
  return { id: replyId(notice, 'reply'), answer, message };
}

/** Why an answer to questions about single instances is none: they are answered together, by the number of the last one. */
function refusalWithoutDecision(
  project: string,
  notice: Notice,
  reply: NoticeReply,
  question: Question | undefined,
): ReplyVerdict | undefined {
  const { single = [], number, instances = [] } = question ?? {};
  if (single.length === 0) return undefined;
  if (reply.question !== number)
    return verdictOf(
      notice,
      'refused',
      `the answer is to question ${String(reply.question)}; project ${project} is asked question ${String(number)}`,
    );
  const foreign = Object.keys(reply.instanceActions ?? {}).find((uid) => !instances.includes(uid));
  return foreign === undefined
    ? undefined
    : verdictOf(
        notice,
        'refused',
        `instanceActions names ${foreign}, which question ${String(number)} does not ask about`,
      );
}

/** Whether an answer was recorded before its notice could say so: a process died between the two writes. */
function isRecorded(
  { projects, questions, agreed = [] }: SessionProgress,
  project: string,
  { status }: Pick<Notice, 'status'>,
  { question: number, answer: kind, instanceActions = {} }: NoticeReply,
): boolean {
  const asked = [
    ...projects.filter(({ id }) => id === project),
    ...questions.filter((each) => each.project === project),
  ].find(({ question }) => question === number);
  if (asked?.answer?.kind === kind && saysAgain(asked, given(asked, instanceActions))) return true;
  // The next question may have followed at once. Once the notice shows that one, an answer to the question before is wrong.
  const isShown = status.question?.number === number;
  return (
    isShown && kind === 'ACK' && agreed.some(({ id, question }) => id === project && question === number)
  );
}

/** What an answer says of the instances of a question; what it names besides may be of an earlier answer. */
function given(
  asked: ProjectProgress | InstanceQuestion,
  { [ALL_OTHERS]: others, ...named }: NonNullable<NoticeReply['instanceActions']>,
): Readonly<Record<string, string | undefined>> {
  const uids = 'instance' in asked ? [asked.instance] : asked.instances;
  return Object.fromEntries(uids.map((uid) => [uid, named[uid] ?? others]));
}

/** By it a verdict finds the notice that it is about. */
export function replyId({ namespace, name, generation }: Notice, of: 'reply' | 'extension'): string {
  return `notice/${namespace}/${name}/${String(generation)}/${of}`;
}

/**
 * What became of what a notice says to the later question: of its answer, and else of its wish for more time. An answer ends
 * the question, and a wish that was granted before stays in the notice. Of two verdicts on an answer a refusal comes first.
 * Undefined when nothing was judged. What was said to an earlier question may stay in a notice.
 */
export function verdictOn(notice: Notice, verdicts: readonly ReplyVerdict[]): ReplyVerdict | undefined {
  const latest = latestQuestion(notice);
  for (const part of ['reply', 'extension'] as const) {
    if (notice.spec[part]?.question !== latest) continue;
    const own = verdicts.filter(({ id }) => id === replyId(notice, part));
    const found = own.find(({ answer }) => answer === 'refused') ?? own[0];
    if (found) return found;
  }
  return undefined;
}

/** The number of the last question that a notice says something to; undefined when it says nothing. */
function latestQuestion({ spec: { reply, extension } }: Notice): number | undefined {
  const numbers = [reply, extension].flatMap((each) => each?.question ?? []);
  return numbers.length > 0 ? Math.max(...numbers) : undefined;
}

/** The last verdict, as the notice shows it. */
export function lastReplyOf(
  notice: Notice,
  verdict: ReplyVerdict | undefined,
  at: string,
): NoticeStatus['lastReply'] {
  const question = latestQuestion(notice);
  if (!verdict || question === undefined) return notice.status.lastReply;
  return { question, accepted: verdict.answer === 'accepted', message: verdict.message, time: at };
}
