/**
 * The engine of the VIM's plans on real hosts. It takes whole stages, and aborts after a failure, as the VIM does; results,
 * deadlines, restarts and refusals are the native ones. Why: docs/decisions/0033-the-vims-profiles-run.md.
 */
import type { HostName } from '../planner/hosts/facts.ts';
import type { Stage } from '../planner/plan.ts';
import { timeoutOver } from '../planner/stage-steps.ts';
import type { EngineProfile, Pass } from './pass.ts';
import { currentStage } from './run/run-state.ts';
import { unlockStep } from './steps/unlock-hosts.ts';
import { VIM_STEP_DEFINITIONS } from './steps/vim-definitions.ts';
import { swact } from './steps/swact-hosts.ts';
import { CAREEN_ENGINE } from './profiles/careen.ts';
import { undoneBy } from './profiles/vim.ts';

export const VIM_ON_HOSTS: EngineProfile = {
  ...CAREEN_ENGINE,
  steps: VIM_STEP_DEFINITIONS,
  runSteps: { 'swact-hosts': swact },
  goesOnWithoutLeavers: false,
  onFailure: 'abort',
  undo,
};

/**
 * The stages that undo what was begun, as in the VIM; and the release of the hosts that those would leave: here a host is
 * closed before its instances move.
 */
function undo(pass: Pass): readonly Stage[] {
  const stages = undoneBy(pass);
  const released = new Set(stages.flatMap(releasedIn));
  const left = pass.run.hosts.map(({ name }) => name).filter((name) => !released.has(name));
  const interrupted = currentStage(pass.run.apply);
  if (left.length === 0 || !interrupted) return stages;
  const steps = [unlockStep(pass.plan.actions.timing)];
  const { name } = interrupted;
  return [
    ...stages,
    { name, hosts: left, patches: [], level: 'away', steps, timeoutSeconds: timeoutOver(steps) },
  ];
}

/** The hosts that the steps of an abort give back. Each such step judges its hosts alike. */
function releasedIn({ hosts, steps }: Stage): readonly HostName[] {
  return steps.flatMap((step) => step.hosts ?? hosts);
}
