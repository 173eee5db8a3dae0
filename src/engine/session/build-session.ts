/** The plan of a session before it begins: one stage that tells its projects. The others follow from their answers. */
import type { PlanActions } from '../../crds/spec/strategy-spec.ts';
import { digest } from '../../planner/digest.ts';
import type { Plan } from '../../planner/plan.ts';
import type { SessionTerms } from '../../planner/session-terms.ts';
import type { Instant } from '../view.ts';
import { askingStage } from './rounds.ts';

/** @param actions the Jobs of the terms' actions, as pieces of work with the names of these */
export function buildSession(terms: SessionTerms, actions: PlanActions, now: Instant): Plan {
  const stages = [askingStage({ terms, timing: actions.timing, now }, 'MAINTENANCE')];
  return { digest: digest({ stages, actions, terms }), stages, actions, session: terms };
}
