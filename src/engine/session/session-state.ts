/**
 * What a maintenance session keeps besides its stages. The words are those of Fenix (fenix.md §3, §4). Part of the run, so
 * it is stored with each decision: whatever the operator says to a project, it has recorded first.
 */
import {
  ASKED_STATES,
  MOVE_ACTIONS,
  type AskedState,
  type MoveAction,
  type SESSION_HOST_TYPES,
  type SessionState,
} from '../../crds/vocabulary.ts';
import type { HostName } from '../../planner/hosts/facts.ts';

export function isAskedState(state: SessionState): state is AskedState {
  return ASKED_STATES.some((asked) => asked === state);
}

export function isMoveAction(word: string): word is MoveAction {
  return MOVE_ACTIONS.some((action) => action === word);
}

/** The states in which a project chooses how its instances move. */
export function asksForActions(state: SessionState): boolean {
  return state === 'PREPARE_MAINTENANCE' || state === 'PLANNED_MAINTENANCE';
}

/** Only hosts of type compute are emptied and worked on. `other`: nothing is known of it, and it is left alone. */
export type SessionHost = {
  readonly name: HostName;
  readonly type: (typeof SESSION_HOST_TYPES)[number];
  /** Whether its actions have succeeded. */
  readonly maintained: boolean;
};

/** A host that this session closed to new work. Recorded before it is claimed, removed after its release. */
export type ClosedHost = {
  readonly name: HostName;
  readonly closedToNewWorkBefore: boolean;
  /** RFC 3339. */
  readonly since: string;
};

/** What a project was asked last, and its valid answer. Times are RFC 3339. */
export type ProjectProgress = {
  readonly id: string;
  /** The number of the question: that of the event which asks it. */
  readonly question: number;
  readonly asked: AskedState;
  readonly askedAt: string;
  readonly replyBy: string;
  /** By how much the answer was put off. */
  readonly extendedSeconds?: number | undefined;
  /** The uids of the instances that the question is about. */
  readonly instances: readonly string[];
  readonly answer?: ProjectAnswer | undefined;
};

export type ProjectAnswer = {
  readonly kind: 'ACK' | 'NACK';
  /** By the uid of the instance. */
  readonly actions: Readonly<Record<string, MoveAction>>;
  /** Set where the project was silent and the session went on. */
  readonly assumed?: true | undefined;
};

/** An answer as it came. */
export type ProjectReply = {
  /** Its receipt; the verdict on it carries the same id. */
  readonly id: string;
  readonly project: string;
  /** The number of the question that it answers; absent: the last one. */
  readonly question?: number | undefined;
  /** When it was given, Unix time in milliseconds. */
  readonly at: number;
  /** ACK_ or NACK_ and the state that was asked about. */
  readonly state: string;
  readonly instanceActions?: Readonly<Record<string, string>> | undefined;
};

/** More time that a project asks for. */
export type ReplyExtension = {
  /** Its receipt; the verdict on it carries the same id. */
  readonly id: string;
  readonly project: string;
  readonly question: number;
  /** When it was asked for, Unix time in milliseconds. */
  readonly at: number;
  /** How much later than at first the answer may come. */
  readonly seconds: number;
};

/** A refused reply changes nothing; `message` says what would be right. */
export type ReplyVerdict = {
  readonly id: string;
  readonly answer: 'accepted' | 'refused';
  readonly message: string;
};

/** An instance of the open stage that is moved. It stays listed until the next stage, so that its end is told once. */
export type Move = {
  readonly instance: string;
  readonly project: string;
  readonly action: MoveAction;
  readonly done: boolean;
};

/** Something to tell. Each is delivered at least once; `id` lets receivers notice a repetition. */
export type SessionEvent = { readonly id: string } & (
  | {
      readonly type: 'project';
      readonly project: string;
      readonly state: AskedState | 'INSTANCE_ACTION_DONE';
      readonly instances: readonly string[];
      readonly allowedActions: readonly MoveAction[];
      /** When the answer is due, and when Careen acts; RFC 3339. Undefined where nothing is asked. */
      readonly replyBy?: string | undefined;
      readonly actionsAt?: string | undefined;
    }
  | {
      readonly type: 'host';
      readonly host: HostName;
      readonly state: 'IN_MAINTENANCE' | 'MAINTENANCE_COMPLETE';
    }
  | { readonly type: 'session'; readonly state: SessionState; readonly percentDone: number }
);

export type SessionProgress = {
  readonly state: SessionState;
  readonly previousState?: SessionState | undefined;
  readonly hosts: readonly SessionHost[];
  readonly closed: readonly ClosedHost[];
  readonly projects: readonly ProjectProgress[];
  /** The ids of all projects that were told of the session at its begin. */
  readonly members: readonly string[];
  readonly moves: readonly Move[];
  /** How many SCALE_IN rounds in a row have given nothing up, and the free room at the last one. */
  readonly scaleIn?: { readonly room: number; readonly rounds: number } | undefined;
  /** Not delivered yet. */
  readonly events: readonly SessionEvent[];
  /** How many events there were: the number of the next one. */
  readonly told: number;
};

/** A session before its first stage. */
export function newSession(hosts: readonly SessionHost[]): SessionProgress {
  const first: SessionProgress = {
    ...{ state: 'MAINTENANCE', hosts, closed: [], projects: [], members: [], moves: [], events: [], told: 0 },
  };
  return told(first, { type: 'session', state: 'MAINTENANCE', percentDone: 0 });
}

type Untold = SessionEvent extends infer Each
  ? Each extends SessionEvent
    ? Omit<Each, 'id'>
    : never
  : never;

/** The session with one more event to deliver. */
export function told(session: SessionProgress, event: Untold): SessionProgress {
  const id = String(session.told);
  return { ...session, told: session.told + 1, events: [...session.events, { ...event, id }] };
}

/** The session in another state. */
export function inState(session: SessionProgress, state: SessionState): SessionProgress {
  const { state: previousState } = session;
  return told(
    { ...session, state, previousState },
    { type: 'session', state, percentDone: percentDone(session) },
  );
}

/** The hosts that are emptied and worked on. */
export function computeHosts({ hosts }: Pick<SessionProgress, 'hosts'>): readonly SessionHost[] {
  return hosts.filter(({ type }) => type === 'compute');
}

/** The percentage of compute hosts that are maintained, rounded down (fenix.md §4.3). */
export function percentDone(session: Pick<SessionProgress, 'hosts'>): number {
  const hosts = computeHosts(session);
  const maintained = hosts.filter((host) => host.maintained).length;
  return hosts.length === 0 ? 0 : Math.floor((100 * maintained) / hosts.length);
}
