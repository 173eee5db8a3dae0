/** The workflows that come with Careen, by their names (docs/reference/workflows.md). */
import { defaultWorkflow } from './default-workflow.ts';
import { kubernetesWorkflow } from './kubernetes-workflow.ts';
import { vnfWorkflow } from './vnf-workflow.ts';
import type { Workflow } from './workflow.ts';

const WORKFLOWS: Readonly<Record<string, Workflow>> = {
  default: defaultWorkflow,
  vnf: vnfWorkflow,
  kubernetes: kubernetesWorkflow,
};

/** The names of the workflows that come with Careen. */
export const KNOWN_WORKFLOWS: readonly string[] = Object.keys(WORKFLOWS);

/** The workflow of this name; undefined when there is none. */
export function workflowNamed(name: string): Workflow | undefined {
  return Object.hasOwn(WORKFLOWS, name) ? WORKFLOWS[name] : undefined;
}
