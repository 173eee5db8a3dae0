/** Which answers a project gives again: a client repeats one when the response was lost, a receiver when it is told twice. Pure. */
import {
  asksForActions,
  type InstanceQuestion,
  type ProjectProgress,
  type ProjectReply,
  type SessionProgress,
} from './session-state.ts';

type Actions = Readonly<Record<string, string | undefined>>;

/** Whether an answer is the one that is recorded: the same word, and the same actions. */
export function isRepeated(
  { projects, questions }: Pick<SessionProgress, 'projects' | 'questions'>,
  reply: Pick<ProjectReply, 'project' | 'question' | 'state' | 'instance' | 'instanceActions'>,
): boolean {
  const { project, question, instance, state, instanceActions = {} } = reply;
  const asked =
    instance === undefined
      ? projects.find(({ id }) => id === project)
      : questions.find((each) => each.project === project && each.instance === instance);
  if (!asked || (question !== undefined && question !== asked.question)) return false;
  const { answer } = asked;
  return `${answer?.kind ?? ''}_${asked.asked}` === state && saysAgain(asked, instanceActions);
}

/** Whether these actions are those of the recorded answer. Actions in a refusal, or where none is asked for, mean nothing. */
export function saysAgain(asked: ProjectProgress | InstanceQuestion, actions: Actions): boolean {
  if (!asked.answer || asked.answer.assumed) return false;
  if (asked.answer.kind === 'NACK' || !asksForActions(asked.asked)) return true;
  return 'instance' in asked ? saysAgainOf(asked, actions) : saysAgainOfAll(asked, actions);
}

function saysAgainOf({ instance, migrationType, answer }: InstanceQuestion, actions: Actions): boolean {
  const others = Object.keys(actions).filter((uid) => uid !== instance);
  return others.length === 0 && (actions[instance] ?? migrationType) === (answer?.action ?? migrationType);
}

function saysAgainOfAll({ answer }: ProjectProgress, actions: Actions): boolean {
  const recorded = Object.entries(answer?.actions ?? {});
  return (
    recorded.length === Object.keys(actions).length &&
    recorded.every(([uid, action]) => actions[uid] === action)
  );
}
