/** What one screen says about a session besides what it says of any strategy. Pure. */
import { SESSION_UID_LABEL } from '../../crds/names.ts';
import { counted } from '../../crds/text/counted.ts';
import type { SessionState } from '../../crds/vocabulary.ts';
import {
  computeHosts,
  isAskedState,
  type InstanceAnswer,
  type InstanceQuestion,
} from '../../engine/session/session-state.ts';
import type { HostPool } from '../../resources/stored-pool.ts';
import { namespaceOfProject } from '../../status/notices/tenant-namespace.ts';
import type { Commands } from './commands.ts';
import type { Seen } from './standing.ts';

export type SessionReport = {
  readonly state: SessionState;
  /** Of a failed session: where it goes on. */
  readonly failedIn?: SessionState;
  readonly hosts: number;
  readonly maintained: number;
  /** What the projects were asked last; none where nobody was asked since. */
  readonly asked: readonly AskedProject[];
};

export type AskedProject = Pick<InstanceQuestion, 'project' | 'asked' | 'replyBy'> & {
  readonly answer: 'awaited' | 'ACK' | 'NACK' | 'assumed';
  /** About how many instances. */
  readonly instances: number;
};

/** Undefined for a strategy of another kind, and for a session without a plan. */
export function sessionReport({ status: { session } }: Pick<Seen, 'status'>): SessionReport | undefined {
  if (!session) return undefined;
  const { state, previousState } = session;
  const hosts = computeHosts(session);
  const hasFailed = state === 'MAINTENANCE_FAILED';
  const asking = hasFailed ? previousState : state;
  return {
    state,
    ...(hasFailed && previousState ? { failedIn: previousState } : {}),
    hosts: hosts.length,
    maintained: hosts.filter(({ maintained }) => maintained).length,
    asked: asking && isAskedState(asking) ? askedIn(session).filter(({ asked }) => asked === asking) : [],
  };
}

type Session = NonNullable<Seen['status']['session']>;

function askedIn({ projects, questions }: Pick<Session, 'projects' | 'questions'>): AskedProject[] {
  return [
    ...projects.map(({ id, asked, replyBy, answer, instances }) => ({
      ...{ project: id, asked, replyBy, answer: answerText(answer), instances: instances.length },
    })),
    ...questions
      .filter(({ question }) => question !== undefined)
      .map(({ project, asked, replyBy, answer }) => ({
        ...{ project, asked, replyBy, answer: answerText(answer), instances: 1 },
      })),
  ];
}

function answerText(answer: Pick<InstanceAnswer, 'kind' | 'assumed'> | undefined): AskedProject['answer'] {
  if (!answer) return 'awaited';
  return answer.assumed ? 'assumed' : answer.kind;
}

const NAMED = 3;

/** Whom the session waits for, or who ended it; none where no project does. */
export function projectAdvice(
  strategy: Seen,
  commands: Commands,
  pool: HostPool | undefined,
): { readonly does: string; readonly command: string }[] {
  const report = sessionReport(strategy);
  const found = (report?.asked ?? []).filter(({ answer }) => answer === 'awaited' || answer === 'NACK');
  const hasFailed = report?.failedIn !== undefined;
  const held = hasFailed ? found : found.filter(({ answer }) => answer === 'awaited');
  return [...Map.groupBy(held, ({ project }) => project).values()].slice(0, NAMED).flatMap(([first]) =>
    first
      ? [
          {
            does: sentence(first, hasFailed),
            command: noticeCommand(first.project, strategy, commands, pool),
          },
        ]
      : [],
  );
}

function sentence({ project, asked, replyBy, answer, instances }: AskedProject, hasFailed: boolean): string {
  if (answer === 'NACK') return `project ${project} refused ${asked}: come to terms with it; see its notice`;
  if (hasFailed) return `project ${project} did not answer ${asked}: have it answer; see its notice`;
  const about = instances > 0 ? `, about ${counted(instances, 'instance')}` : '';
  return `project ${project} has until ${replyBy} to answer ${asked}${about}; see its notice`;
}

/** On nodes a project is a namespace; where its pool gives it another one, that is shown once the pool is known. */
function noticeCommand(
  project: string,
  { metadata: { uid } }: Seen,
  { kubectlCluster }: Commands,
  pool: HostPool | undefined,
): string {
  const namespace = pool && namespaceOfProject(pool.spec, project);
  return kubectlCluster(
    namespace === undefined
      ? `get notice -A -l ${SESSION_UID_LABEL}=${uid}`
      : `get notice -n ${namespace} -o wide`,
  );
}
