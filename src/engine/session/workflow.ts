/** The interface of a workflow: it decides the next state of a session. Pure. */
import type { Stage } from '../../planner/plan.ts';
import type { PhaseStatus } from '../../crds/observed/strategy-status.ts';
import type { Constraints } from './constraints/constraints.ts';
import type { Occupied } from './occupancy.ts';
import type { RoundTerms } from './rounds.ts';
import type { SessionState } from '../../crds/vocabulary.ts';
import type { SessionProgress } from './session-state.ts';

/** What a workflow decides from, at the end of the last stage. */
export type Standing = RoundTerms & {
  readonly session: SessionProgress;
  /** The compute hosts as they are now, in the order of the session. */
  readonly hosts: readonly Occupied[];
  /** Of the instances on these hosts; undefined where the session has none, or they are not known. */
  readonly constraints?: Constraints | undefined;
  /** The stages so far. */
  readonly apply: Pick<PhaseStatus, 'stages' | 'earlier'>;
};

/** The next state with its stages, the end, or why the session waits or fails. */
export type NextRound =
  | { readonly kind: 'round'; readonly state: SessionState; readonly stages: readonly Stage[] }
  | { readonly kind: 'complete' }
  | { readonly kind: 'wait' | 'failed'; readonly reason: string };

export type Workflow = (standing: Standing) => NextRound;
