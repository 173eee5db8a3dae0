/** The workflows that come with Careen, by their names (docs/reference/workflows.md). */
import { WORKFLOW_NAMES } from '../../crds/vocabulary.ts';
import { defaultWorkflow } from './default-workflow.ts';
import { kubernetesWorkflow } from './kubernetes-workflow.ts';
import { vnfWorkflow } from './vnf-workflow.ts';
import type { Workflow } from './workflow.ts';

const WORKFLOWS: Readonly<Record<string, Workflow>> = {
  default: defaultWorkflow,
  vnf: vnfWorkflow,
  kubernetes: kubernetesWorkflow,
} satisfies Readonly<Record<(typeof WORKFLOW_NAMES)[number], Workflow>>;

/** The names of the workflows that come with Careen. */
export const KNOWN_WORKFLOWS: readonly string[] = WORKFLOW_NAMES;

/** The workflow of this name; undefined when there is none. @param own those that the administrator has added */
export function workflowNamed(name: string, own?: ReadonlyMap<string, Workflow>): Workflow | undefined {
  return Object.hasOwn(WORKFLOWS, name) ? WORKFLOWS[name] : own?.get(name);
}
