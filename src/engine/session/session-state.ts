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
import type { StoredDownload } from '../../crds/observed/session-progress.ts';
import type { StageStatus } from '../../crds/observed/strategy-status.ts';
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
  /** In SCALE_IN: what it can spare. */
  readonly give?: Share | undefined;
  readonly answer?: ProjectAnswer | undefined;
};

/** What a project can give up so that a host can be emptied, as far as its groups keep enough members. */
export type Share = {
  readonly vcpus: number;
  /** The uids of instances that would do. Which ones it gives up is the choice of the project. */
  readonly instances: readonly string[];
};

/** What the owner of one instance was asked: with constraints each instance is asked about by itself. */
export type InstanceQuestion = {
  /** The uid of the instance. */
  readonly instance: string;
  /** Where it was when its owner was asked. */
  readonly host: HostName;
  readonly project: string;
  /** The number of the question; absent: nobody was asked, its constraint is the consent. */
  readonly question?: number | undefined;
  readonly asked: AskedState;
  readonly askedAt: string;
  readonly replyBy: string;
  /** By how much the answer was put off. */
  readonly extendedSeconds?: number | undefined;
  /** How it is moved where the answer does not say. */
  readonly migrationType: MoveAction;
  /** Its resources are to be made up for while it is away. */
  readonly resourceMitigation?: true | undefined;
  /** The keys of its groups. */
  readonly groups: readonly string[];
  readonly answer?: InstanceAnswer | undefined;
};

/** `action`: how the instance is moved, in an ACK. */
export type InstanceAnswer = {
  readonly kind: 'ACK' | 'NACK';
  readonly action?: MoveAction | undefined;
  /** Set where nobody was asked, or the owner was silent and the session went on. */
  readonly assumed?: true | undefined;
};

/** A member of a group that counts as affected for a while after its move. */
export type Recovery = {
  readonly instance: string;
  readonly group: string;
  /** RFC 3339. */
  readonly until: string;
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
  /** The uid of the instance that it is about, where the owner was asked about that alone. */
  readonly instance?: string | undefined;
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

/** An instance that is moved. It stays listed until the next stage, or until it has left, so that its end is told once. */
export type Move = {
  readonly instance: string;
  /** The host that it leaves. */
  readonly host: HostName;
  readonly project: string;
  readonly action: MoveAction;
  readonly done: boolean;
  /** It has taken longer than its constraint allows. */
  readonly overran?: true | undefined;
};

/** Whether no answer is awaited any more, unless a failed session goes on: then it asks anew. */
export function hasEnded({ state }: Pick<SessionProgress, 'state'>): boolean {
  return state === 'MAINTENANCE_DONE' || state === 'MAINTENANCE_FAILED';
}

/** Why a session that has ended takes no answer. */
export function endedReason({ state }: Pick<SessionProgress, 'state'>): string {
  return `the session has ended in ${state}: no answer is awaited`;
}

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
      /** Set where an answer for this instance alone is awaited; it may leave out how the instance is moved. */
      readonly instance?: string | undefined;
      /** How that instance is moved where the answer does not say. */
      readonly migrationType?: MoveAction | undefined;
      /** The resources of that instance are to be made up for while it is away. */
      readonly resourceMitigation?: true | undefined;
      readonly give?: Share | undefined;
    }
  | {
      readonly type: 'host';
      readonly host: HostName;
      readonly state: 'IN_MAINTENANCE' | 'MAINTENANCE_COMPLETE';
    }
  | { readonly type: 'session'; readonly state: SessionState; readonly percentDone: number }
);

/** What is known of a download. The caller fetches those of which nothing is known, or that are to be tried again. */
export type DownloadFacts =
  | { readonly kind: 'stored'; readonly stored: StoredDownload }
  /** It will not succeed. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** It has not succeeded, and is tried again then. */
  | { readonly kind: 'later'; readonly reason: string; readonly retryAt: number };

export type SessionProgress = {
  readonly state: SessionState;
  readonly previousState?: SessionState | undefined;
  readonly hosts: readonly SessionHost[];
  readonly closed: readonly ClosedHost[];
  readonly projects: readonly ProjectProgress[];
  /** The stage whose questions these are, and its attempt. Absent: nothing was asked. */
  readonly asking?: { readonly stage: number; readonly attempt: number } | undefined;
  /** The projects that agreed when projects were asked before: a process may die before the notices show it. */
  readonly agreed?: readonly Pick<ProjectProgress, 'id' | 'question'>[] | undefined;
  /** The ids of all projects that were told of the session at its begin. */
  readonly members: readonly string[];
  /** The questions about single instances that have not left yet. */
  readonly questions: readonly InstanceQuestion[];
  readonly moves: readonly Move[];
  readonly recovering: readonly Recovery[];
  /** Absent while none is stored. */
  readonly downloads?: readonly StoredDownload[] | undefined;
  /** How many SCALE_IN rounds in a row have given nothing up, and the free room at the last one. */
  readonly scaleIn?: { readonly room: number; readonly rounds: number } | undefined;
  /** Not delivered yet. */
  readonly events: readonly SessionEvent[];
  /** How many events there were: the number of the next one. */
  readonly told: number;
};

/** The instances that count as affected because of a session. */
export type Affected = Pick<SessionProgress, 'questions' | 'recovering'>;

/**
 * A session before its first stage.
 * @param before how many events its runs before had: an answer to a question of theirs answers none of this run
 */
export function newSession(hosts: readonly SessionHost[], before = 0): SessionProgress {
  const first: SessionProgress = {
    ...{ state: 'MAINTENANCE', hosts, closed: [], projects: [], members: [], events: [], told: before },
    ...{ questions: [], moves: [], recovering: [] },
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

/**
 * Whether the questions are those of this stage, in this attempt. Times do not show it: the clocks of two leaders differ.
 */
export function isAskedIn({ asking }: Pick<SessionProgress, 'asking'>, { id, attempt = 1 }: Asking): boolean {
  return asking?.stage === id && asking.attempt === attempt;
}

/** The session with the questions of this stage, in this attempt. */
export function askedIn(session: SessionProgress, { id, attempt = 1 }: Asking): SessionProgress {
  return { ...session, asking: { stage: id, attempt } };
}

type Asking = Pick<StageStatus, 'id' | 'attempt'>;

/** The questions about single instances that a project has not answered. */
export function awaitedFrom(
  { questions }: Pick<SessionProgress, 'questions'>,
  project: string,
): readonly InstanceQuestion[] {
  return questions.filter((each) => each.project === project && each.question !== undefined && !each.answer);
}

/** The session with so many seconds more for each answer that is awaited. */
export function withMoreTimeToAnswer(session: SessionProgress, seconds: number): SessionProgress {
  const later = <T extends { readonly replyBy: string; readonly answer?: unknown }>(each: T): T => {
    if (each.answer !== undefined) return each;
    return { ...each, replyBy: new Date(Date.parse(each.replyBy) + seconds * 1000).toISOString() };
  };
  if (seconds === 0) return session;
  return { ...session, projects: session.projects.map(later), questions: session.questions.map(later) };
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
