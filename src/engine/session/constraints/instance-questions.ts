/** Asks the owners of single instances, and judges their answers (fenix.md §10). */
import type { StageStatus } from '../../../crds/observed/strategy-status.ts';
import type { MoveAction } from '../../../crds/vocabulary.ts';
import type { Pass } from '../../pass.ts';
import { failed, type Verdict } from '../../steps/verdict.ts';
import type { InstanceFacts } from '../../view.ts';
import { isThere } from '../moves.ts';
import { projectOf } from '../occupancy.ts';
import { sessionOf } from '../session-of.ts';
import {
  askedIn,
  isAskedIn,
  isAskedState,
  told,
  type InstanceQuestion,
  type Recovery,
  type SessionProgress,
} from '../session-state.ts';
import { allInstances } from './affected.ts';
import type { Constraints, InstanceConstraint } from './constraints.ts';

/** The question about an instance that has not left. */
export function questionOn(pass: Pass, uid: string): InstanceQuestion | undefined {
  return sessionOf(pass).session.questions.find(({ instance }) => instance === uid);
}

/**
 * Asks the owner of an instance to get ready, within its lead time. Without a lead time nobody is asked: the constraint is
 * the consent.
 */
export function askOwner(
  pass: Pass,
  { instance, host, constraint }: { instance: InstanceFacts; host: string; constraint: InstanceConstraint },
  allowedActions: readonly MoveAction[],
): void {
  const session = withoutMove(sessionOf(pass).session, instance.uid);
  const { state } = session;
  if (!isAskedState(state)) throw new Error(`no owner is asked in ${state}`);
  const { migrationType, leadTimeSeconds, resourceMitigation, groups } = constraint;
  const { uid } = instance;
  const project = projectOf(instance);
  const askedAt = new Date(pass.turn.now).toISOString();
  const replyBy = new Date(pass.turn.now + leadTimeSeconds * 1000).toISOString();
  const mitigation = resourceMitigation ? ({ resourceMitigation } as const) : {};
  const question = {
    ...{ instance: uid, host, project, asked: state, askedAt, replyBy, migrationType, groups },
    ...mitigation,
  };
  if (leadTimeSeconds === 0) {
    const answer = { kind: 'ACK', action: migrationType, assumed: true } as const;
    pass.run.session = withQuestion(session, { ...question, answer });
    return;
  }
  pass.run.session = told(withQuestion(session, { ...question, question: session.told }), {
    ...{ type: 'project', project, state, instances: [uid], instance: uid },
    ...{ allowedActions, migrationType, replyBy, actionsAt: replyBy },
    ...mitigation,
  });
}

function withQuestion(session: SessionProgress, question: InstanceQuestion): SessionProgress {
  const others = session.questions.filter(({ instance }) => instance !== question.instance);
  return { ...session, questions: [...others, question] };
}

/** The session without an earlier move of an instance that came to nothing: its owner is asked anew. */
function withoutMove(session: SessionProgress, uid: string): SessionProgress {
  return { ...session, moves: session.moves.filter(({ instance, done }) => done || instance !== uid) };
}

/** How the owner wants its instance moved, or why it is not moved yet, or never. `name` names the instance. */
export function answerTo(pass: Pass, question: InstanceQuestion, name: string): MoveAction | Verdict {
  const { terms } = sessionOf(pass);
  const { answer, project, asked, replyBy, migrationType } = question;
  if (answer?.kind === 'NACK') return failed(`project ${project} refused ${asked} for ${name}`);
  if (answer) return answer.action ?? migrationType;
  const until = Date.parse(replyBy);
  const waits = {
    kind: 'blocked',
    reason: `waiting for the answer of project ${project} to ${asked} for ${name}`,
  } as const;
  if (terms.silent === 'wait') return waits;
  if (pass.turn.listeners?.has(project) === false && terms.silent === 'fail')
    return failed(
      `no answer can come for ${name}: nobody listens for project ${project}; let it listen, then retry`,
    );
  if (pass.turn.now <= until) return { ...waits, until: until + 1 };
  if (terms.silent === 'fail')
    return failed(`project ${project} did not answer ${asked} for ${name} in its lead time, by ${replyBy}`);
  const { session } = sessionOf(pass);
  pass.run.session = withQuestion(session, {
    ...question,
    answer: { kind: 'ACK', action: migrationType, assumed: true },
  });
  return migrationType;
}

/**
 * Ends the questions about instances that have left their hosts: from now on they recover. Forgets those whose recovery is
 * over.
 */
export function recordRecoveries(pass: Pass, constraints: Constraints): void {
  const { session } = sessionOf(pass);
  const { now } = pass.turn;
  const gone = session.questions.filter((question) => isThere(pass, question) === false);
  const begun = gone.flatMap(({ instance, groups }) =>
    groups.flatMap((group): Recovery[] => {
      const { recoverySeconds = 0 } = constraints.groups.get(group) ?? {};
      const until = new Date(now + recoverySeconds * 1000).toISOString();
      return recoverySeconds > 0 ? [{ instance, group, until }] : [];
    }),
  );
  const recovering = session.recovering.filter(({ until }) => Date.parse(until) > now);
  if (gone.length === 0 && recovering.length === session.recovering.length) return;
  const questions = session.questions.filter((question) => !gone.includes(question));
  pass.run.session = { ...session, questions, recovering: [...recovering, ...begun] };
}

/** Forgets the questions of earlier stages and attempts. What leaves since then has yet to recover. */
export function forgetEarlierQuestions(pass: Pass, stage: StageStatus): void {
  const { session } = sessionOf(pass);
  if (isAskedIn(session, stage)) return;
  const leaving = new Set(
    allInstances(session, pass.turn.view).flatMap((each) => (each.leaving ? [each.uid] : [])),
  );
  const questions = session.questions.filter(
    ({ answer, instance }) => answer?.kind === 'ACK' && leaving.has(instance),
  );
  pass.run.session = { ...askedIn(session, stage), questions };
}
