/** The plan of a session before it begins: one stage that tells its projects. The others follow from their answers. */
import type { SessionTerms } from '../../crds/spec/session-terms.ts';
import type { PlanActions } from '../../crds/spec/strategy-spec.ts';
import { digest } from '../../planner/digest.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { Plan } from '../../planner/plan.ts';
import type { Instant } from '../view.ts';
import { askingStage } from './rounds.ts';

/**
 * @param others the Jobs of the terms' actions, as pieces of work with the ids of these, and how hosts are worked on
 * @param hosts all hosts of the session; the digest covers them
 */
export function buildSession(
  terms: SessionTerms,
  others: PlanActions,
  { hosts, now }: { readonly hosts: readonly HostName[]; readonly now: Instant },
): Plan {
  const actions = { ...others, session: terms };
  const stages = [askingStage({ terms, timing: actions.timing, now }, 'MAINTENANCE')];
  return { digest: digest({ stages, actions, hosts }), stages, actions };
}
