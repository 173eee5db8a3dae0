import type { PlanActions } from '../../crds/spec/strategy-spec.ts';
import { digest } from '../digest.ts';
import type { Plan, Stage } from '../plan.ts';
import { timeoutOver } from '../stage-steps.ts';
import type { VimBuild } from './build.ts';
import type { Stage as VimStage } from './steps.ts';

/**
 * A plan of the VIM in the form of the engine. The hosts of a stage are those of its steps, in the order of their first
 * appearance. A plan of the VIM has no actions, so the caller supplies them.
 */
export function planOfBuild({ stages, digest: planned }: VimBuild, actions: PlanActions): Plan {
  return { digest: digest({ planned, actions }), stages: stages.map(engineStage), actions };
}

function engineStage({ name, steps }: VimStage): Stage {
  const named = steps.flatMap(({ entities }) => (entities.type === 'hosts' ? entities.names : []));
  const away = steps.some((step) => step.name === 'lock-hosts' || step.name === 'reboot-hosts');
  return {
    name,
    hosts: [...new Set(named)],
    patches: [],
    level: away ? 'away' : 'touched',
    steps,
    timeoutSeconds: timeoutOver(steps),
  };
}
