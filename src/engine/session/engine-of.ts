/** The engine that carries out a plan. */
import type { Plan } from '../../planner/plan.ts';
import type { EngineProfile } from '../pass.ts';
import { CAREEN_ENGINE } from '../profiles/careen.ts';
import { sessionEngine } from './session-engine.ts';
import type { Workflow } from './workflow.ts';
import { workflowNamed } from './workflows.ts';

/** The engine of a plan: that of strategies, or that of the workflow of its session. */
export function engineOf({ actions: { session } }: Pick<Plan, 'actions'>): EngineProfile {
  return session
    ? sessionEngine(workflowNamed(session.workflow) ?? unknown(session.workflow))
    : CAREEN_ENGINE;
}

/** A build refuses such a name. A run of another version of Careen may still have it. */
function unknown(name: string): Workflow {
  return () => ({ kind: 'failed', reason: `this version of Careen has no workflow ${name}` });
}
