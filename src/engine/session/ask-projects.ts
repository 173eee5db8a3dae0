/** Asks projects, and awaits their answers (fenix.md §4.1, §5). */
import type { StageStatus } from '../../crds/observed/strategy-status.ts';
import type { SessionTerms } from '../../crds/spec/session-terms.ts';
import type { Pass, RunJudge } from '../pass.ts';
import { DONE, failed, type Verdict } from '../steps/verdict.ts';
import type { InstanceFacts, Instant } from '../view.ts';
import type { Turn } from '../turn.ts';
import { sharesOf } from './constraints/shares.ts';
import { byProject, instancesOn, isLeftOut, occupancy } from './occupancy.ts';
import { replySecondsIn } from './rounds.ts';
import { sessionOf } from './session-of.ts';
import { MOVE_ACTIONS, type AskedState } from '../../crds/vocabulary.ts';
import {
  askedIn,
  asksForActions,
  computeHosts,
  isAskedIn,
  isAskedState,
  told,
  type ProjectProgress,
  type SessionProgress,
  type Share,
} from './session-state.ts';

/** What a project wants with its instances when it does not say. */
const ASSUMED_ACTION = 'MIGRATE';

/**
 * Asks every project with instances on the hosts that the stage is about, once, and waits until all agree. One that refuses
 * fails the session. One that is silent fails it, too, unless the terms say otherwise.
 */
export const askProjects: RunJudge = (pass, { stage }) => {
  const { session, terms } = sessionOf(pass);
  const { state } = session;
  if (!isAskedState(state)) throw new Error(`no project is asked in ${state}`);
  const asked = isAskedIn(session, stage) ? session : ask(pass, session, terms, stage, state);
  if ('kind' in asked) return asked;
  pass.run.session = asked;
  return judge(pass, asked, terms, state);
};

function ask(
  pass: Pass,
  session: SessionProgress,
  terms: SessionTerms,
  stage: StageStatus,
  state: AskedState,
): SessionProgress | Verdict {
  const { turn } = pass;
  const all = stage.hosts?.length ? stage.hosts : computeHosts(session).map(({ name }) => name);
  const names = all.filter((name) => !isLeftOut(pass, name));
  const found = names.map((name) => instancesOn(turn.view, name));
  const hosts = found.flatMap((instances) => (instances ? [{ instances }] : []));
  if (hosts.length < found.length)
    return { kind: 'blocked', reason: `waiting to see what runs on ${names.join(', ')}` };
  const projects = concerned(session, reachable(turn, byProject(hosts)), state);
  const deaf = [...projects.keys()].filter((id) => turn.listeners?.has(id) === false);
  if (deaf.length > 0 && terms.silent === 'fail')
    return failed(`no answer can come: nobody listens for ${list(deaf)}; let them listen, then retry`);
  const against = state === 'MAINTENANCE' ? againstStart(terms, turn.now) : undefined;
  if (against !== undefined) return failed(against);
  const askedAt = new Date(turn.now).toISOString();
  const replyBy = new Date(turn.now + replySecondsIn(terms, state) * 1000).toISOString();
  const actionsAt = state === 'MAINTENANCE' ? (terms.startAt ?? replyBy) : replyBy;
  const allowedActions = asksForActions(state) ? (terms.moves ?? MOVE_ACTIONS) : [];
  const members = state === 'MAINTENANCE' ? [...projects.keys()] : session.members;
  let next: SessionProgress = {
    ...askedIn(session, stage),
    projects: [],
    // An owner that has not answered about an instance before is asked anew, if at all: this is its last question now.
    questions: session.questions.filter(({ answer }) => answer !== undefined),
    agreed: agreedBefore(session),
    members,
    moves: session.moves.filter(({ done }) => !done),
  };
  const shares = state === 'SCALE_IN' ? sharesIn(pass, session) : undefined;
  for (const [id, instances] of projects) {
    const uids = instances.map(({ uid }) => uid);
    const give = shares && { give: shares.get(id) ?? { vcpus: 0, instances: [] } };
    const progress = { id, question: next.told, asked: state, askedAt, replyBy, instances: uids, ...give };
    next = told(
      { ...next, projects: [...next.projects, progress] },
      { type: 'project', project: id, state, instances: uids, allowedActions, replyBy, actionsAt, ...give },
    );
  }
  return next;
}

/** The last question before this one to which each project has agreed. Several rounds may follow in one decision. */
function agreedBefore({ projects, agreed = [] }: SessionProgress): NonNullable<SessionProgress['agreed']> {
  const now = projects.flatMap(({ id, question, answer }) =>
    answer?.kind === 'ACK' && !answer.assumed ? [{ id, question }] : [],
  );
  const isNow = new Set(now.map(({ id }) => id));
  return [...agreed.filter(({ id }) => !isNow.has(id)), ...now];
}

/** What projects can give up; undefined where their constraints are not looked at, or the room on the hosts is not known. */
function sharesIn(pass: Pass, session: SessionProgress): ReadonlyMap<string, Share> | undefined {
  const { constraints } = pass.turn;
  const hosts = occupancy(session, pass);
  const isRoomKnown = hosts?.some(({ capacity }) => capacity > 0) === true;
  return constraints && hosts && isRoomKnown ? sharesOf(hosts, constraints) : undefined;
}

/** Where instances without a constraint may be moved, nobody waits for projects that nobody listens for. */
function reachable<T>(
  { constraints, listeners }: Turn,
  projects: ReadonlyMap<string, T>,
): ReadonlyMap<string, T> {
  if (!constraints?.fallback || !listeners) return projects;
  return new Map([...projects].filter(([id]) => listeners.has(id)));
}

/** Why the session cannot begin: its start is longer ago than projects have to answer (fenix.md §4.1, Defect). */
function againstStart({ startAt, replySeconds }: SessionTerms, now: Instant): string | undefined {
  return startAt !== undefined && now - Date.parse(startAt) > replySeconds * 1000
    ? `the session was to begin at ${startAt}: no project could answer before; make it anew with a later start`
    : undefined;
}

/** At the end the projects of the whole session are told, also those whose instances are gone. */
function concerned(
  { members }: SessionProgress,
  found: ReadonlyMap<string, readonly InstanceFacts[]>,
  state: AskedState,
): ReadonlyMap<string, readonly InstanceFacts[]> {
  if (state !== 'MAINTENANCE_COMPLETE') return found;
  const others = members.filter((id) => !found.has(id)).map((id) => [id, []] as const);
  return new Map([...found, ...others]);
}

function judge(pass: Pass, session: SessionProgress, terms: SessionTerms, state: AskedState): Verdict {
  const { projects } = session;
  const refusing = projects.filter(({ answer }) => answer?.kind === 'NACK');
  if (refusing.length > 0) return failed(`${namesOf(refusing)} refused ${state}`);
  const silent = projects.filter(({ answer }) => !answer);
  if (silent.length === 0) return DONE;
  // A project that was given more time has it, whatever others have.
  const overdue = silent.filter(({ replyBy }) => pass.turn.now >= Date.parse(replyBy));
  if (overdue.length === 0 || terms.silent === 'wait') return awaiting(silent, terms, state);
  if (terms.silent === 'fail')
    return failed(`${namesOf(overdue)} did not answer ${state} in ${String(replySecondsIn(terms, state))} s`);
  const answered = projects.map((each) => (overdue.includes(each) ? assumed(each) : each));
  pass.run.session = { ...session, projects: answered };
  const others = silent.filter((each) => !overdue.includes(each));
  return others.length === 0 ? DONE : awaiting(others, terms, state);
}

function awaiting(silent: readonly ProjectProgress[], terms: SessionTerms, state: AskedState): Verdict {
  const until = Math.min(...silent.map(({ replyBy }) => Date.parse(replyBy)));
  const due = terms.silent === 'wait' ? {} : { until };
  return { kind: 'blocked', reason: `waiting for the answer of ${namesOf(silent)} to ${state}`, ...due };
}

function namesOf(projects: readonly ProjectProgress[]): string {
  return list(projects.map(({ id }) => id));
}

function assumed(project: ProjectProgress): ProjectProgress {
  const wanted = asksForActions(project.asked) ? project.instances : [];
  const actions = Object.fromEntries(wanted.map((uid) => [uid, ASSUMED_ACTION] as const));
  return { ...project, answer: { kind: 'ACK', actions, assumed: true } };
}

function list(projects: readonly string[]): string {
  const one = projects.length === 1 ? 'project' : 'projects';
  return `${one} ${projects.join(', ')}`;
}
