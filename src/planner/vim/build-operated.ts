/** The plan of a strategy with a profile of the VIM: the VIM's stages and steps, in the form that the operator carries out. */
import type { StrategySpec } from '../../crds/spec/strategy-spec.ts';
import type { VimProfile } from '../../crds/vocabulary.ts';
import type { Built } from '../build.ts';
import { digest } from '../digest.ts';
import type { HostSeed } from '../hosts/facts.ts';
import { needsOf } from '../hosts/needs.ts';
import { lackingWork } from '../hosts/work.ts';
import { controllersFor } from '../known-controllers.ts';
import { actionsIn } from '../plan-actions.ts';
import type { PlanLimits } from '../plan-limits.ts';
import type { Stage, Step } from '../plan.ts';
import { buildProblems } from '../problems/build-problems.ts';
import { InputError } from '../problems/input-error.ts';
import { BuildRefusal } from '../problems/build-refusal.ts';
import { buildVim } from './build.ts';
import { planOfBuild } from './plan-of-build.ts';
import { requestOf } from './request-of.ts';

/**
 * Plans as the VIM would. The limit of the pool does not count: such a plan is never cut.
 * @throws BuildRefusal with the text of the VIM when it makes no plan
 * @throws InputError as `build`, and when the VIM would pass over a host
 */
export function buildOperated(
  spec: StrategySpec & { readonly profile: VimProfile },
  seeds: readonly HostSeed[],
  limits: PlanLimits,
): Built {
  const problems = buildProblems(spec, seeds, limits);
  if (problems.length > 0) throw new InputError(problems);
  const build = buildVim(spec.profile, requestOf(spec, seeds, limits));
  if (build.failure !== undefined) throw new BuildRefusal(build.failure);
  const { digest: planned, actions, stages: vimStages } = planOfBuild(build, actionsIn(spec));
  const byName = new Map(seeds.map((seed) => [seed.name, seed]));
  const stages = vimStages.map((stage) => operated(stage, workOn(spec, stage, byName)));
  const work = stages.map(({ patches }) => patches);
  return {
    plan: { digest: digest({ planned, work }), stages, actions, ...controllersFor(stages, seeds) },
    hosts: needsOf(spec, seeds).hosts,
  };
}

/** The ids of the work that hosts of a stage lack, in the order of the spec; for the end of an upgrade its hooks. */
function workOn(
  spec: StrategySpec,
  { name, hosts }: Stage,
  seeds: ReadonlyMap<string, HostSeed>,
): readonly string[] {
  if (name === 'sw-upgrade-complete')
    return spec.patches.filter(({ kind }) => kind === 'hook').map(({ id }) => id);
  const lacking = new Set(
    hosts.flatMap((host) => {
      const seed = seeds.get(host);
      return seed ? lackingWork(spec, seed).map(({ id }) => id) : [];
    }),
  );
  return spec.patches.map(({ id }) => id).filter((id) => lacking.has(id));
}

function operated(stage: Stage, patches: readonly string[]): Stage {
  return { ...stage, patches, steps: stage.steps.map((step) => operatedStep(step, stage)) };
}

/** Without what a status does not hold: the names of instances, and hosts that are those of the stage. */
function operatedStep({ entities, ...step }: Step, { hosts }: Stage): Step {
  switch (entities?.type) {
    case 'hosts':
      return entities.names.length < hosts.length ? { ...step, hosts: entities.names } : step;
    case 'instances':
      return { ...step, instances: entities.names.length };
    default:
      return step;
  }
}
