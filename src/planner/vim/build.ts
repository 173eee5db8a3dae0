/**
 * The VIM's planner: it makes the plan that the VIM would make from the answers to its queries. One planner serves both
 * kinds of strategy and all profiles. Pure.
 */
import { patchRefusal, upgradeRefusal } from './checks.ts';
import { Fleet } from './fleet.ts';
import type { InputProblem } from '../problems/input-error.ts';
import { strangersInAggregates } from './inventory-problems.ts';
import { planDigest } from './plan-digest.ts';
import { planSwPatch } from './plan-sw-patch.ts';
import { planSwUpgrade } from './plan-sw-upgrade.ts';
import { failed, type Planned } from './planned.ts';
import type { Profile } from './profile.ts';
import { profileFor } from './profiles.ts';
import { queryStage } from './query-stage.ts';
import type { Request } from './request.ts';
import type { QueryName, Stage } from './steps.ts';

export type VimBuild = {
  readonly query: Stage;
  /** The query that got no answer. The build ends there. */
  readonly unanswered?: QueryName;
  /** Why the build failed; `stages` then holds the stages planned before the failure. */
  readonly failure?: string;
  readonly stages: readonly Stage[];
  /** Identifies the plan; a failed build has none. */
  readonly digest?: string;
  /** Problems of the inventory that do not prevent a plan of the VIM. */
  readonly findings: readonly InputProblem[];
};

/**
 * Builds the strategy (starlingx-vim.md §6 to §8). The same request gives the same build. As in the VIM, the order of
 * hosts, instances and groups counts.
 * @throws InputError when the profile is unknown, when it lacks this kind of strategy, or when the inventory lacks a
 * required host
 */
export function buildVim(profileName: string, request: Request): VimBuild {
  const profile = profileFor(profileName, request.kind);
  const fleet = new Fleet(request.inputs);
  const query = queryStage(profile, request.kind);
  const findings = strangersInAggregates(request.inputs);
  const unanswered = request.inputs.failQuery;
  if (unanswered !== undefined) return { query, findings, unanswered, ...failed('') };
  const { stages, failure } = planned(profile, request, fleet);
  if (failure !== undefined) return { query, findings, stages, failure };
  return { query, findings, stages, digest: planDigest(profile.name, request, stages) };
}

function planned(profile: Profile, request: Request, fleet: Fleet): Planned {
  const refusal =
    request.kind === 'sw-patch' ? patchRefusal(profile, request) : upgradeRefusal(profile, request);
  if (refusal !== undefined) return failed(refusal);
  return request.kind === 'sw-patch'
    ? orNothing(planSwPatch(profile, request.inputs, fleet), 'no software patches need to be applied')
    : orNothing(planSwUpgrade(profile, request.inputs, fleet), 'no software upgrades need to be applied');
}

function orNothing(plan: Planned, reason: string): Planned {
  return plan.failure === undefined && plan.stages.length === 0 ? failed(reason) : plan;
}
