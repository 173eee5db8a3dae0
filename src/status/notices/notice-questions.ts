/** What a project is asked, in one form for questions about all its instances on a host and about single ones. Pure. */
import type { NoticeStatus } from '../../crds/maintenance-notice.ts';
import type { AskedState, MoveAction } from '../../crds/vocabulary.ts';
import {
  awaitedFrom,
  type InstanceQuestion,
  type SessionProgress,
  type Share,
} from '../../engine/session/session-state.ts';

export type Question = {
  /** The number that an answer names. Of questions about single instances, that of the last one. */
  readonly number: number;
  readonly asks: AskedState;
  /** RFC 3339. */
  readonly since: string;
  readonly replyBy: string;
  /** The uids of the instances that it is about. */
  readonly instances: readonly string[];
  readonly answer: NonNullable<NoticeStatus['answer']>;
  /** How instances are moved, by the answer. */
  readonly actions: Readonly<Record<string, MoveAction>>;
  /** In SCALE_IN: what the project can spare, where its constraints say that. */
  readonly give?: Share | undefined;
  /** The open questions about single instances; empty: one answer is for all. */
  readonly single: readonly InstanceQuestion[];
};

/** What a project is asked now, or was asked last; undefined before it was asked anything. */
export function questionTo(session: SessionProgress, project: string): Question | undefined {
  const single = awaitedFrom(session, project);
  const [first] = single;
  if (first)
    return {
      number: Math.max(...single.map(({ question = 0 }) => question)),
      asks: first.asked,
      since: earliest(single.map(({ askedAt }) => askedAt)),
      replyBy: earliest(single.map(({ replyBy }) => replyBy)),
      instances: single.map(({ instance }) => instance),
      ...{ answer: 'awaited', actions: {}, single },
    };
  const whole = session.projects.find(({ id }) => id === project);
  if (!whole) return undefined;
  const { question, asked, askedAt, replyBy, instances, give, answer } = whole;
  return {
    ...{ number: question, asks: asked, since: askedAt, replyBy, instances, give, single: [] },
    answer: answer ? (answer.assumed ? 'assumed' : answer.kind) : 'awaited',
    actions: answer?.actions ?? {},
  };
}

function earliest(times: readonly string[]): string {
  return times.toSorted()[0] ?? '';
}
