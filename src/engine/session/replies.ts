/** The answers of projects: which are valid, and what the others do wrong (fenix.md §2.2, §5). */
import type { Pass } from '../pass.ts';
import { MOVE_ACTIONS, type MoveAction } from '../../crds/vocabulary.ts';
import { judgeInstanceReply } from './constraints/instance-replies.ts';
import {
  asksForActions,
  endedReason,
  hasEnded,
  isMoveAction,
  type ProjectReply,
  type ProjectAnswer,
  type ProjectProgress,
} from './session-state.ts';

/** Records the valid answers of this turn, and says what became of each. */
export function takeReplies(pass: Pass): void {
  for (const reply of pass.turn.replies ?? []) {
    const refusal = take(pass, reply);
    pass.replies.push({
      id: reply.id,
      answer: refusal === undefined ? 'accepted' : 'refused',
      message: refusal ?? `${reply.state} of project ${reply.project}`,
    });
  }
}

/** Records an answer, or returns why it is none. */
function take(pass: Pass, reply: ProjectReply): string | undefined {
  const { session } = pass.run;
  if (session && hasEnded(session)) return endedReason(session);
  return reply.instance === undefined ? takeOfProject(pass, reply) : takeOfInstance(pass, reply);
}

/** Records the answer of a project, or returns why it is none. */
function takeOfProject(pass: Pass, reply: ProjectReply): string | undefined {
  const { session } = pass.run;
  const project = session?.projects.find(({ id }) => id === reply.project);
  const answer = judgeReply(project, reply, {
    lateCounts: lateCounts(pass),
    moves: pass.plan.actions.session?.moves,
  });
  if (typeof answer === 'string' || !session) return typeof answer === 'string' ? answer : undefined;
  const projects = session.projects.map((each) => (each === project ? { ...each, answer } : each));
  pass.run.session = { ...session, projects };
  return undefined;
}

/** Records an answer about one instance, or returns why it is none. */
function takeOfInstance(pass: Pass, reply: ProjectReply): string | undefined {
  const { session } = pass.run;
  const question = session?.questions.find(({ instance }) => instance === reply.instance);
  const actions = pass.turn.constraints?.actions ?? MOVE_ACTIONS;
  const answer = judgeInstanceReply(question, reply, { lateCounts: lateCounts(pass), actions });
  if (typeof answer === 'string' || !session) return typeof answer === 'string' ? answer : undefined;
  const questions = session.questions.map((each) => (each === question ? { ...each, answer } : each));
  pass.run.session = { ...session, questions };
  return undefined;
}

/** Whether an answer counts that comes after its time; while the run is suspended, its deadlines stand still. */
function lateCounts({ plan, run }: Pass): boolean {
  return plan.actions.session?.silent === 'wait' || run.suspendedSince !== undefined;
}

/** The answer in a reply, or why it is none. */
export function judgeReply(
  project: ProjectProgress | undefined,
  { project: id, question, at, state, instanceActions = {} }: ProjectReply,
  {
    lateCounts,
    moves = MOVE_ACTIONS,
  }: { readonly lateCounts: boolean; readonly moves?: readonly MoveAction[] | undefined },
): ProjectAnswer | string {
  if (!project) return `project ${id} was not asked anything in this session`;
  const { asked, replyBy, instances, answer } = project;
  const right = `ACK_${asked} or NACK_${asked}`;
  if (question !== undefined && question !== project.question)
    return `the answer is to question ${String(question)}; project ${id} is asked question ${String(project.question)}`;
  if (answer) return `project ${id} has answered ${asked} already, with ${answer.kind}`;
  if (!lateCounts && at > Date.parse(replyBy)) return `the answer to ${asked} was due at ${replyBy}`;
  if (state === `NACK_${asked}`) return { kind: 'NACK', actions: {} };
  if (state !== `ACK_${asked}`) return `state is ${state}; it must be ${right}`;
  if (!asksForActions(asked)) return { kind: 'ACK', actions: {} };
  const foreign = Object.keys(instanceActions).find((uid) => !instances.includes(uid));
  if (foreign !== undefined) return `instance_actions names ${foreign}, which ${asked} does not ask about`;
  const actions: Record<string, MoveAction> = {};
  for (const uid of instances) {
    const action = instanceActions[uid];
    if (action === undefined)
      return `instance_actions lacks ${uid}: each instance that ${asked} asks about needs one`;
    if (!isMoveAction(action) || !moves.includes(action))
      return `instance_actions.${uid} is ${action}; it must be ${moves.join(' or ')}`;
    actions[uid] = action;
  }
  return { kind: 'ACK', actions };
}
