/** Reads sessions and their notices for the simulated projects and the checker, by their documented fields only. */
import { at } from '../world/api-server.ts';
import { daemonSetOf } from '../world/cluster.ts';
import { isJson, type ApiObject } from '../world/objects.ts';

const RUN_LABEL = 'careen.dev/run';

export type Answer = {
  readonly kind: string;
  readonly actions: Readonly<Record<string, string>>;
  readonly isAssumed: boolean;
};

export type Question = {
  readonly project: string;
  readonly number: number;
  readonly asked: string;
  readonly askedAt: number;
  readonly replyBy: number;
  /** By how much the answer was put off. */
  readonly extendedSeconds: number;
  readonly instances: readonly string[];
  /** The uids of instances that the project can spare, in SCALE_IN; undefined where that is not said. */
  readonly spares: readonly string[] | undefined;
  readonly answer: Answer | undefined;
};

/** What the owner of one instance was asked; `number` is undefined where nobody was asked. */
export type InstanceQuestion = Pick<
  Question,
  'project' | 'asked' | 'askedAt' | 'replyBy' | 'extendedSeconds'
> & {
  readonly instance: string;
  readonly host: string;
  readonly number: number | undefined;
  readonly migrationType: string;
  readonly answer: InstanceAnswer | undefined;
};

export type InstanceAnswer = {
  readonly kind: string;
  readonly action: string | undefined;
  readonly isAssumed: boolean;
};

export type Session = {
  readonly workflow: string;
  readonly state: string;
  readonly hosts: readonly { readonly name: string; readonly type: string; readonly maintained: boolean }[];
  readonly closed: readonly string[];
  readonly questions: readonly Question[];
  /** The questions about single instances. */
  readonly singles: readonly InstanceQuestion[];
};

/** The workflow that a session asks for. */
export function workflowOf({ spec }: ApiObject): string {
  const workflow = spec?.['workflow'];
  return typeof workflow === 'string' ? workflow : 'default';
}

export function sessionOf(object: ApiObject): Session | undefined {
  const session = at(object.status, 'session');
  if (session === undefined) return undefined;
  return {
    ...{ workflow: workflowOf(object), state: String(at(session, 'state')) },
    hosts: listAt(session, 'hosts').map((each) => ({
      ...{ name: String(at(each, 'name')), type: String(at(each, 'type')) },
      maintained: at(each, 'maintained') === true,
    })),
    closed: listAt(session, 'closed').map((each) => String(at(each, 'name'))),
    questions: listAt(session, 'projects').map((each) => ({
      ...{ project: String(at(each, 'id')), number: Number(at(each, 'question')) },
      ...{ asked: String(at(each, 'asked')), askedAt: timeAt(each, 'askedAt') },
      ...{ replyBy: timeAt(each, 'replyBy'), extendedSeconds: Number(at(each, 'extendedSeconds') ?? 0) },
      instances: listAt(each, 'instances').map(String),
      spares: at(each, 'give') === undefined ? undefined : listAt(at(each, 'give'), 'instances').map(String),
      answer: answerOf(at(each, 'answer')),
    })),
    singles: listAt(session, 'questions').map(singleOf),
  };
}

function singleOf(question: unknown): InstanceQuestion {
  const [number, answer] = [at(question, 'question'), at(question, 'answer')];
  return {
    ...{ instance: String(at(question, 'instance')), host: String(at(question, 'host')) },
    ...{ project: String(at(question, 'project')), asked: String(at(question, 'asked')) },
    ...{ askedAt: timeAt(question, 'askedAt'), replyBy: timeAt(question, 'replyBy') },
    extendedSeconds: Number(at(question, 'extendedSeconds') ?? 0),
    number: number === undefined ? undefined : Number(number),
    migrationType: String(at(question, 'migrationType')),
    answer: answer === undefined ? undefined : instanceAnswerOf(answer),
  };
}

function instanceAnswerOf(answer: unknown): InstanceAnswer {
  const action = at(answer, 'action');
  return {
    ...{ kind: String(at(answer, 'kind')), isAssumed: at(answer, 'assumed') === true },
    action: typeof action === 'string' ? action : undefined,
  };
}

function answerOf(answer: unknown): Answer | undefined {
  if (answer === undefined) return undefined;
  const actions = at(answer, 'actions');
  return {
    kind: String(at(answer, 'kind')),
    actions: Object.fromEntries(
      Object.entries(isJson(actions) ? actions : {}).map(([uid, action]) => [uid, String(action)] as const),
    ),
    isAssumed: at(answer, 'assumed') === true,
  };
}

/** What a notice asks. */
export type Asked = {
  readonly number: number;
  readonly asks: string;
  readonly replyBy: number;
  readonly allowedActions: readonly string[];
  readonly instances: readonly string[];
};

/** The question of a notice; undefined without one. */
export function askedIn({ status }: ApiObject): Asked | undefined {
  const question = at(status, 'question');
  if (question === undefined) return undefined;
  return {
    ...{ number: Number(at(question, 'number')), asks: String(at(question, 'asks')) },
    replyBy: timeAt(question, 'replyBy'),
    allowedActions: listAt(question, 'allowedActions').map(String),
    instances: listAt(question, 'instances').map(String),
  };
}

/** The uids of the instances that a notice shows. */
export function shownIn({ status }: ApiObject): readonly string[] {
  return listAt(status, 'instances').map((each) => String(at(each, 'uid')));
}

/** What a project has written into a notice. */
export type Reply = {
  readonly question: number;
  readonly answer: string;
  readonly actions: Readonly<Record<string, string>>;
};

export function replyIn({ spec }: ApiObject): Reply | undefined {
  const reply = at(spec, 'reply');
  if (reply === undefined) return undefined;
  const actions = at(reply, 'instanceActions');
  return {
    ...{ question: Number(at(reply, 'question')), answer: String(at(reply, 'answer')) },
    actions: Object.fromEntries(
      Object.entries(isJson(actions) ? actions : {}).map(([uid, action]) => [uid, String(action)] as const),
    ),
  };
}

/** Whether a pod has to leave before its host is empty. */
export function isInstance(pod: ApiObject): boolean {
  return pod.metadata.labels?.[RUN_LABEL] === undefined && daemonSetOf(pod) === undefined;
}

/** The time that a project asks for. */
export type Wish = { readonly question: number; readonly seconds: number };

export function wishIn({ spec }: ApiObject): Wish | undefined {
  const wish = at(spec, 'extension');
  if (wish === undefined) return undefined;
  return { question: Number(at(wish, 'question')), seconds: Number(at(wish, 'seconds')) };
}

function timeAt(object: unknown, field: string): number {
  return Date.parse(String(at(object, field)));
}

function listAt(object: unknown, field: string): readonly unknown[] {
  const found = at(object, field);
  return Array.isArray(found) ? found : [];
}
