import type { Plan } from '../planner/plan.ts';
import type { EngineProfile } from './pass.ts';
import { CAREEN_ENGINE } from './profiles/careen.ts';
import { sessionEngine } from './session/session-engine.ts';
import type { Workflow } from './session/workflow.ts';
import { workflowNamed } from './session/workflows.ts';
import { VIM_ON_HOSTS } from './vim-on-hosts.ts';

/**
 * The engine that carries a plan out: that of strategies, of the plans of the VIM, or of the workflow of a session. The plan
 * says which: an edit of the spec does not change an open run.
 * @param own the workflows that the administrator has added
 */
export function engineOf(
  { actions: { session, profile } }: Pick<Plan, 'actions'>,
  own?: ReadonlyMap<string, Workflow>,
): EngineProfile {
  if (session) return sessionEngine(workflowNamed(session.workflow, own) ?? unknown(session.workflow));
  return profile ? VIM_ON_HOSTS : CAREEN_ENGINE;
}

/** A build refuses such a name. A run of another version of Careen may still have it. */
function unknown(name: string): Workflow {
  return () => ({ kind: 'failed', reason: `this operator has no workflow ${name}` });
}
