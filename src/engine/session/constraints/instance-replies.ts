/** The answers about single instances: which are valid, and what the others do wrong (fenix.md §2.2). */
import type { MoveAction } from '../../../crds/vocabulary.ts';
import {
  isMoveAction,
  type InstanceAnswer,
  type InstanceQuestion,
  type ProjectReply,
} from '../session-state.ts';

/** The answer in a reply about one instance, or why it is none. Without an action, that of the constraint holds. */
export function judgeInstanceReply(
  question: InstanceQuestion | undefined,
  { project, question: number, instance = '', at, state, instanceActions = {} }: ProjectReply,
  { lateCounts, actions }: { readonly lateCounts: boolean; readonly actions: readonly MoveAction[] },
): InstanceAnswer | string {
  if (question?.question === undefined || question.project !== project)
    return `project ${project} is not asked about instance ${instance}`;
  const { asked, replyBy, migrationType, answer } = question;
  if (number !== undefined && number !== question.question)
    return `the answer is to question ${String(number)}; project ${project} is asked question ${String(question.question)} about instance ${instance}`;
  if (answer)
    return `project ${project} has answered ${asked} for instance ${instance} already, with ${answer.kind}`;
  if (!lateCounts && at > Date.parse(replyBy))
    return `the answer to ${asked} for instance ${instance} was due at ${replyBy}`;
  if (state === `NACK_${asked}`) return { kind: 'NACK' };
  if (state !== `ACK_${asked}`) return `state is ${state}; it must be ACK_${asked} or NACK_${asked}`;
  const foreign = Object.keys(instanceActions).find((uid) => uid !== instance);
  if (foreign !== undefined) return `the answer for instance ${instance} names ${foreign}`;
  const { [instance]: action = migrationType } = instanceActions;
  if (!isMoveAction(action) || !actions.includes(action))
    return `instance_action is ${action}; it must be ${actions.join(' or ')}`;
  return { kind: 'ACK', action };
}
