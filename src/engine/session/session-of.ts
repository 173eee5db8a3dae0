import type { SessionTerms } from '../../crds/spec/session-terms.ts';
import type { Pass } from '../pass.ts';
import type { SessionProgress } from './session-state.ts';

/** The session of a pass, with its terms. Throws for a run of another kind, which has no steps of sessions. */
export function sessionOf({ run, plan }: Pass): {
  readonly session: SessionProgress;
  readonly terms: SessionTerms;
} {
  if (!run.session || !plan.actions.session) throw new Error(`run ${run.id} is none of a MaintenanceSession`);
  return { session: run.session, terms: plan.actions.session };
}
