/** Reads sessions and their notices for the simulated projects and the checker, by their documented fields only. */
import { at } from '../world/api-server.ts';
import { isJson, type ApiObject } from '../world/objects.ts';

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
  readonly instances: readonly string[];
  readonly answer: Answer | undefined;
};

export type Session = {
  readonly state: string;
  readonly hosts: readonly { readonly name: string; readonly type: string; readonly maintained: boolean }[];
  readonly closed: readonly string[];
  readonly questions: readonly Question[];
};

export function sessionOf({ status }: ApiObject): Session | undefined {
  const session = at(status, 'session');
  if (session === undefined) return undefined;
  return {
    state: String(at(session, 'state')),
    hosts: listAt(session, 'hosts').map((each) => ({
      ...{ name: String(at(each, 'name')), type: String(at(each, 'type')) },
      maintained: at(each, 'maintained') === true,
    })),
    closed: listAt(session, 'closed').map((each) => String(at(each, 'name'))),
    questions: listAt(session, 'projects').map((each) => ({
      ...{ project: String(at(each, 'id')), number: Number(at(each, 'question')) },
      ...{ asked: String(at(each, 'asked')), askedAt: timeAt(each, 'askedAt') },
      ...{ replyBy: timeAt(each, 'replyBy'), instances: listAt(each, 'instances').map(String) },
      answer: answerOf(at(each, 'answer')),
    })),
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

function timeAt(object: unknown, field: string): number {
  return Date.parse(String(at(object, field)));
}

function listAt(object: unknown, field: string): readonly unknown[] {
  const found = at(object, field);
  return Array.isArray(found) ? found : [];
}
